"""The archive of editions, and each edition as a page: what a mail's "view in the browser" leads to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from flask import abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain import subject
from newsletter.domain.edition import Contents, Entry
from newsletter.domain.month import Month
from newsletter.domain.tally import Tally
from newsletter.services import editions as editions_
from newsletter.services import editorial, pictures, revisions
from newsletter.services.revisions import Revision
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition
from newsletter.web import forms, picker
from newsletter.web.database import current_session
from newsletter.web.site.blueprint import absolute, form_for_everything, site
from newsletter.web.site.kept import kept
from newsletter.web.site.room import room
from newsletter.web.wiring import wiring

_MOST_AT_HAND = 6  #: boxes above the others


@site.get("/editions")
@kept
def editions() -> str | AnyResponse:
    months = [Month.parse(edition.month) for edition in editions_.released(current_session())]
    years = [(year, list(each)) for year, each in groupby(months, key=lambda month: month.year)]
    return render_template("editions.html", years=years, signup=form_for_everything())


@site.get("/editions/<month:month>")
@kept
def edition(month: Month) -> str | AnyResponse:
    """All of it, or with ?follow= (a region or a place, as often as wanted) what it has of these.

    Of an edition that was corrected it is the newest revision; ?revision= shows an older one.
    """
    session = current_session()
    found = editions_.get(session, month)
    if found.approved_at is None:
        abort(404)
    number = request.args.get("revision", found.revision, type=int)
    contents = revisions.contents(session, found, number)
    chosen = forms.known(request.args.getlist("follow"), gazetteer())
    if subject.ALL in chosen:
        chosen = ()
    shown = _of_these(contents, chosen) if chosen else contents
    published = revisions.published(session, found)
    return render_template(
        "edition.html",
        contents=shown,
        whole=len(contents.entries),
        chosen=[subject.name(each, gazetteer()) for each in chosen],
        tally=Tally.of(shown.entries),
        parts=_parts(shown),
        room=room(shown),
        signup=_form(chosen),
        about=_about(found, contents, published),
        number=number,
        newest=found.revision,
        corrections=published,
        picture=_map_address(found, month),
    )


def _of_these(contents: Contents, subjects: tuple[str, ...]) -> Contents:
    places = [entry.place for entry in contents.entries]
    return contents.only(place.code for place in places if subject.covers(subjects, place.code, place.region.code))


def _form(chosen: tuple[str, ...]) -> picker.ShortForm:
    """The short form without the list of all places, whose room the edition needs; it leads to one that has it.

    Whoever is shown many places comes from a digest of theirs, and has them already.
    """
    subjects = subject.parse(chosen, gazetteer()) if chosen else ()
    if len(subjects) > _MOST_AT_HAND:
        subjects = ()
    return picker.for_chosen(subjects, editorial.covered(current_session()), gazetteer()).by_region()


def _parts(contents: Contents) -> list[tuple[str, str, list[Entry]]]:
    """An edition's groups with what their headings are linked by."""
    return [(group.value, group.heading, entries) for group, entries in contents.groups()]


def _about(edition: Edition, contents: Contents, published: Sequence[Revision]) -> dict[str, object]:
    """The edition in schema.org's terms."""
    title = wiring().settings.title
    approved_at = edition.approved_at or edition.created_at
    return {
        "@context": "https://schema.org",
        "@type": "PublicationIssue",
        "name": f"{title}, {contents.month.name}",
        "issueNumber": str(contents.month),
        "url": absolute("site.edition", month=contents.month),
        "datePublished": approved_at.isoformat(timespec="seconds"),
        "dateModified": (published[0].at if published else approved_at).isoformat(timespec="seconds"),
        "inLanguage": "en",
        "isPartOf": {"@type": "Periodical", "name": title, "url": wiring().publication.links.home()},
        "publisher": {"@type": "Organization", "name": wiring().publication.sender_name},
    }


def _map_address(edition: Edition, month: Month) -> str | None:
    """The picture that stands for the edition where its address is shared."""
    names = [image.name for image in pictures.of_edition(current_session(), edition)]
    found = next((name for name in names if name.startswith("map-")), None)
    return wiring().publication.links.picture(month, found) if found else None
