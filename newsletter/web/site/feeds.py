"""Feeds of updates: of all, of a region, of a place; as Atom (RFC 4287) and as JSON Feed 1.1 (jsonfeed.org).

An entry's id is the address of its month's page, which never changes as long as BASE_URL doesn't.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from newsletter.services import published
from newsletter.services.published import Published
from newsletter.storage.places import gazetteer
from newsletter.web.database import current_session
from newsletter.web.rendering import timestamp
from newsletter.web.site.blueprint import absolute, site
from newsletter.web.site.places import require_region
from newsletter.web.wiring import wiring

_MOST = 30  #: entries
#: Of a feed that has no entry so far: it must have a time, and always the same.
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
#: No XML document may have them (XML 1.0, 2.2). All other such characters are refused in updates.
_NOT_IN_XML = {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of updates, newest first, and what it is a list of."""

    title: str
    page: str  #: absolute address of the page that shows the same
    address: str  #: absolute address of the feed itself
    entries: list[Published]

    @property
    def updated_at(self) -> datetime:
        return max((each.changed_at for each in self.entries), default=_BEFORE_ALL)


@site.get("/feed.<any(atom, json):kind>")
def feed(kind: str) -> AnyResponse:
    """All places."""
    page = wiring().publication.links.home()
    address = absolute("site.feed", kind=kind)
    entries = published.latest(current_session(), limit=_MOST)
    return _response(Feed(wiring().settings.title, page, address, entries), kind)


@site.get("/regions/<code>/feed.<any(atom, json):kind>")
def region_feed(code: str, kind: str) -> AnyResponse:
    """The places of a region."""
    found = require_region(code)
    if found.code != code:
        return redirect(url_for("site.region_feed", code=found.code, kind=kind), 301)
    codes = [place.code for place in gazetteer().within(found)]
    page = absolute("site.region", code=code)
    address = absolute("site.region_feed", code=code, kind=kind)
    entries = published.latest(current_session(), codes, limit=_MOST)
    return _response(Feed(f"{wiring().settings.title}: {found.name}", page, address, entries), kind)


@site.get("/places/<code>/feed.<any(atom, json):kind>")
def place_feed(code: str, kind: str) -> AnyResponse:
    """One place."""
    found = gazetteer().require(code)
    if found.code != code:
        return redirect(url_for("site.place_feed", code=found.code, kind=kind), 301)
    page = absolute("site.place", code=code)
    address = absolute("site.place_feed", code=code, kind=kind)
    entries = published.latest(current_session(), [code], limit=_MOST)
    return _response(Feed(f"{wiring().settings.title}: {found.name}", page, address, entries), kind)


def _response(feed: Feed, kind: str) -> Response:
    text = _atom(feed) if kind == "atom" else json.dumps(_json(feed), ensure_ascii=False, indent=1)
    response = Response(text, mimetype="application/atom+xml" if kind == "atom" else "application/feed+json")
    if feed.entries:
        response.last_modified = feed.updated_at
    return response


def _atom(feed: Feed) -> str:
    entries = [(each, _address(each), _title(each), _html(each)) for each in feed.entries]
    return render_template("feeds/atom.xml", feed=feed, entries=entries).translate(_NOT_IN_XML)


def _json(feed: Feed) -> dict[str, object]:
    author = {"name": wiring().publication.sender_name}
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "language": "en",
        "authors": [author],
        "items": [
            {
                "id": _address(each),
                "url": _address(each),
                "title": _title(each),
                "summary": each.update.headline,
                "content_html": _html(each),
                "date_published": timestamp(each.published_at),
                "date_modified": timestamp(each.changed_at),
                "tags": [each.update.trend.word, *(alert.words for alert in each.update.alerts)],
            }
            for each in feed.entries
        ],
    }


def _address(told: Published) -> str:
    return absolute("site.place", code=told.place.code, month=told.update.month)


def _title(told: Published) -> str:
    return f"{told.place.name}, {told.update.month.name}: {told.update.headline}"


def _html(told: Published) -> str:
    return str(render_template("feeds/content.html", update=told.update))
