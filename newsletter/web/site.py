"""The public pages. They are the same for everyone, and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain.edition import Contents, Entry, assemble
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.tally import Tally
from newsletter.domain.update import Update
from newsletter.errors import NotFound
from newsletter.mail.pictures.picture import Image
from newsletter.services import editions as editions_
from newsletter.services import editorial, pictures
from newsletter.storage.places import gazetteer
from newsletter.web import forms, picker, security
from newsletter.web.database import current_session
from newsletter.web.wiring import wiring

site = Blueprint("site", __name__)

_PRIVATE_PATHS = ("/confirm/", "/manage/", "/unsubscribe/", "/undo/", "/admin", "/inbox")


@dataclass(frozen=True, slots=True)
class Earlier:
    """A link to a place's update of another month."""

    month: Month
    update: Update


@site.app_context_processor
def _consent() -> dict[str, object]:
    """The short form stands on most pages."""
    return {
        "consent_words": forms.consent_words(wiring().publication),
        "everything_words": forms.EVERYTHING_WORDS,
    }


@site.get("/")
def home() -> str:
    session = current_session()
    month = editorial.latest_month(session)
    contents = editorial.contents(session, month) if month else None
    tally = Tally.of(contents.entries) if contents else None
    return render_template("home.html", contents=contents, tally=tally, signup=_form_for_everything())


def _form_for_everything() -> picker.ShortForm:
    return picker.for_everything(editorial.covered(current_session()), gazetteer())


@site.get("/places")
def places() -> str:
    standings = editorial.standings(current_session())
    newest = max((standing.month for standing in standings), default=None)
    regions = [(region, list(each)) for region, each in groupby(standings, key=lambda each: each.place.region)]
    return render_template("places.html", regions=regions, count=len(standings), newest=newest)


@site.get("/places/<code>", defaults={"month": None})
@site.get("/places/<code>/<month:month>")
def place(code: str, month: Month | None) -> str | AnyResponse:
    found = gazetteer().require(code)
    if found.code != code:
        return redirect(url_for("site.place", code=found.code, month=month), 301)
    updates = editorial.of_place(current_session(), found.code)
    if not updates and month is None:
        return render_template("place_empty.html", place=found, signup=_form_for_place(found))
    return _place_page(found, updates, month)


def _place_page(place: Place, updates: list[Update], month: Month | None) -> str:
    """The update of one month, or the newest; `updates` is newest first."""
    shown = month or updates[0].month
    entry = next(iter(assemble(shown, updates, gazetteer()).entries), None)
    if entry is None:
        raise NotFound(f"{place.code} has no update for {shown}")
    return render_template(
        "place.html",
        place=place,
        entry=entry,
        is_newest=shown == updates[0].month,
        others=[Earlier(update.month, update) for update in updates if update.month != shown],
        signup=_form_for_place(place),
    )


def _form_for_place(place: Place) -> picker.ShortForm:
    return picker.for_place(place, editorial.covered(current_session()), gazetteer())


@site.get("/regions/<code>")
def region(code: str) -> str | AnyResponse:
    found = next((region for region in gazetteer().regions if region.code == code.casefold()), None)
    if found is None:
        abort(404)
    if found.code != code:
        return redirect(url_for("site.region", code=found.code), 301)
    standings = [each for each in editorial.standings(current_session()) if each.place.region == found]
    quiet = [place for place in gazetteer().within(found) if place.code not in {each.place.code for each in standings}]
    signup = picker.for_region(found, editorial.covered(current_session()), gazetteer())
    return render_template("region.html", region=found, standings=standings, quiet=quiet, signup=signup)


@site.get("/editions")
def editions() -> str:
    months = [Month.parse(edition.month) for edition in editions_.released(current_session())]
    years = [(year, list(each)) for year, each in groupby(months, key=lambda month: month.year)]
    return render_template("editions.html", years=years, signup=_form_for_everything())


@site.get("/editions/<month:month>")
def edition(month: Month) -> str:
    session = current_session()
    found = editions_.get(session, month)
    if found.approved_at is None:
        abort(404)
    contents = editions_.contents(session, found)
    return render_template("edition.html", contents=contents, tally=Tally.of(contents.entries), parts=_parts(contents))


def _parts(contents: Contents) -> list[tuple[str, str, list[Entry]]]:
    """An edition's groups with what their headings are linked by."""
    return [(group.value, group.heading, entries) for group, entries in contents.groups()]


@site.get("/editions/<month:month>/pictures/<name>")
def picture(month: Month, name: str) -> Response:
    """What the digests of an approved edition show. Who fetches it is noted nowhere."""
    return _file(pictures.find(current_session(), month, name))


@site.get("/brand/<name>")
def logo(name: str) -> Response:
    image = next((image for image in wiring().publication.brand.images() if image.name == name), None)
    if image is None:
        abort(404)
    return _file(image)


def _file(image: Image) -> Response:
    response = Response(image.data, mimetype=f"image/{image.subtype}")
    response.headers["Content-Security-Policy"] = security.picture_policy()
    return response


@site.get("/brand.css")
def brand_style() -> Response:
    """The publisher's colours in place of the house's; print stays black on white."""
    brand = wiring().publication.brand
    light, dark = (
        f":root {{ --link: {accent}; --link-deep: color-mix(in srgb, {accent} 75%, {towards}); }}"
        for accent, towards in ((brand.accent, "#000"), (brand.accent_dark, "#fff"))
    )
    css = f"@media screen {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"
    return Response(css, mimetype="text/css")


@site.get("/healthz")
def health() -> Response:
    """For whoever watches over the service: it answers, and so does its database."""
    current_session().execute(select(1))
    return jsonify(status="ok")


@site.get("/robots.txt")
def robots() -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PRIVATE_PATHS)]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
