"""The month at a glance: the map, what changed, the latest edition, the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain.edition import Contents, Entry, Group
from newsletter.domain.month import Month
from newsletter.domain.tally import Tally
from newsletter.mail.pictures import vector
from newsletter.services import editions, editorial
from newsletter.web.database import current_session
from newsletter.web.site.blueprint import absolute, form_for_everything, site
from newsletter.web.site.kept import kept
from newsletter.web.wiring import wiring

#: Headlines on the first page, in the groups' order. Each place on the map takes some room, too: a page of all the
#: world has to stay as small as one of thirty places.
_MOST_HEADLINES, _FEWEST_HEADLINES, _PLACES_A_HEADLINE = 40, 8, 6


@dataclass(frozen=True, slots=True)
class Told:
    """A group of the month's entries."""

    group: Group
    entries: Sequence[Entry]  #: with their headlines
    named: Sequence[Entry]  #: by name alone


@site.get("/")
@kept
def home() -> str | AnyResponse:
    session = current_session()
    month = editorial.latest_month(session)
    contents = editorial.contents(session, month) if month else None
    edition = next(iter(editions.released(session)), None)
    return render_template(
        "home.html",
        contents=contents,
        tally=Tally.of(contents.entries) if contents else None,
        map=vector.draw(contents) if contents else None,
        groups=_groups(contents),
        edition=Month.parse(edition.month) if edition else None,
        overview=edition.overview.partition("\n\n")[0] if edition else "",
        signup=form_for_everything(len(contents.entries) if contents else 0),
        about=_about(),
    )


def _groups(contents: Contents | None) -> list[Told]:
    """What changed is told by headlines, as far as the page has room; most places are unchanged, and only named."""
    if contents is None:
        return []
    left = max(_FEWEST_HEADLINES, _MOST_HEADLINES - len(contents.entries) // _PLACES_A_HEADLINE)
    found = []
    for group, entries in contents.groups():
        room = 0 if group is Group.UNCHANGED else left
        found.append(Told(group, entries[:room], entries[room:]))
        left = max(0, left - len(entries)) if room else left
    return found


def _about() -> dict[str, object]:
    """The site in schema.org's terms."""
    search = absolute("site.search_page", q="QUERY").replace("QUERY", "{search_term_string}")
    return {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": wiring().settings.title,
        "url": wiring().publication.links.home(),
        "publisher": {"@type": "Organization", "name": wiring().publication.sender_name},
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": search},
            "query-input": "required name=search_term_string",
        },
    }
