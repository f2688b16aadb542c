"""The pages of places and regions, and the list of them all."""

from __future__ import annotations

from itertools import groupby

from flask import abort, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain.edition import STRIP_MONTHS, assemble
from newsletter.domain.month import Month
from newsletter.domain.place import Place, Region
from newsletter.errors import NotFound
from newsletter.services import editorial, published, revisions
from newsletter.services.published import Published
from newsletter.storage.places import gazetteer
from newsletter.web import picker
from newsletter.web.database import current_session
from newsletter.web.site.blueprint import absolute, form_for_everything, site
from newsletter.web.site.kept import kept
from newsletter.web.wiring import wiring


@site.get("/places")
@kept
def places() -> str | AnyResponse:
    standings = editorial.standings(current_session())
    newest = max((standing.month for standing in standings), default=None)
    regions = [(region, list(each)) for region, each in groupby(standings, key=lambda each: each.place.region)]
    signup = form_for_everything(len(standings))
    return render_template("places.html", regions=regions, count=len(standings), newest=newest, signup=signup)


@site.get("/places/<code>", defaults={"month": None})
@site.get("/places/<code>/<month:month>")
@kept
def place(code: str, month: Month | None) -> str | AnyResponse:
    found = gazetteer().require(code)
    if found.code != code:
        return redirect(url_for("site.place", code=found.code, month=month), 301)
    updates = published.of_place(current_session(), found.code)
    if not updates and month is None:
        return render_template("place_empty.html", place=found, signup=_form_for_place(found))
    return _place_page(found, updates, month)


def _place_page(place: Place, updates: list[Published], month: Month | None) -> str:
    """The update of one month, or the newest; `updates` is newest first."""
    shown = month or updates[0].update.month
    contents = assemble(shown, [each.update for each in updates], gazetteer())
    entry = next(iter(contents.entries), None)
    if entry is None:
        raise NotFound(f"{place.code} has no update for {shown}")
    told = next(each for each in updates if each.update.month == shown)
    others = [each.update for each in updates if each is not told]
    older = groupby(others[STRIP_MONTHS:], key=lambda update: update.month.year)
    return render_template(
        "place.html",
        place=place,
        entry=entry,
        is_newest=told is updates[0],
        others=others[:STRIP_MONTHS],
        older=[(year, list(each)) for year, each in older],
        signup=_form_for_place(place),
        about=_about(told),
        corrections=revisions.of_place(current_session(), place.code, shown),
    )


def _form_for_place(place: Place) -> picker.ShortForm:
    return picker.for_place(place, editorial.covered(current_session()), gazetteer())


def _about(told: Published) -> dict[str, object]:
    """The update in schema.org's terms."""
    publisher = {"@type": "Organization", "name": wiring().publication.sender_name}
    address = absolute("site.place", code=told.place.code, month=told.update.month)
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": told.update.headline,
        "name": f"{told.place.name}, {told.update.month.name}",
        "about": {"@type": "Place", "name": told.place.name},
        "articleSection": told.place.region.name,
        "datePublished": told.published_at.isoformat(timespec="seconds"),
        "dateModified": told.changed_at.isoformat(timespec="seconds"),
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "mainEntityOfPage": address,
        "author": publisher,
        "publisher": publisher,
    }


@site.get("/regions/<code>")
@kept
def region(code: str) -> str | AnyResponse:
    found = require_region(code)
    if found.code != code:
        return redirect(url_for("site.region", code=found.code), 301)
    standings = [each for each in editorial.standings(current_session()) if each.place.region == found]
    quiet = [place for place in gazetteer().within(found) if place.code not in {each.place.code for each in standings}]
    signup = picker.for_region(found, editorial.covered(current_session()), gazetteer())
    return render_template("region.html", region=found, standings=standings, quiet=quiet, signup=signup)


def require_region(code: str) -> Region:
    """The region of this code, in any case; a page that says so if there is none."""
    found = next((region for region in gazetteer().regions if region.code == code.casefold()), None)
    if found is None:
        abort(404)
    return found
