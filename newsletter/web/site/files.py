"""What is no page: pictures, the publisher's colours, what robots and monitors ask for."""

from __future__ import annotations

from flask import Response, abort, jsonify, render_template
from sqlalchemy import select

from newsletter.domain.month import Month
from newsletter.mail.pictures.picture import Image
from newsletter.services import editions, editorial, pictures, published
from newsletter.storage.places import gazetteer
from newsletter.web import security
from newsletter.web.database import current_session
from newsletter.web.site.blueprint import absolute, site
from newsletter.web.wiring import wiring

_PRIVATE_PATHS = ("/confirm/", "/manage/", "/unsubscribe/", "/undo/", "/address/", "/admin", "/inbox", "/search")
#: Pages of single months. A site map holds 50,000 at most (sitemaps.org), with the others.
_MOST_MONTHS = 49_000


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
    lines += ["", f"Sitemap: {absolute('site.sitemap')}"]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@site.get("/sitemap.xml")
def sitemap() -> Response:
    """Every page that is worth finding, with when it last changed where that is known."""
    session = current_session()
    pages = [(absolute(f"site.{name}"), None) for name in ("home", "places", "editions")]
    pages += [(absolute("site.region", code=region.code), None) for region in gazetteer().regions]
    pages += [(absolute("site.place", code=code), None) for code in sorted(editorial.covered(session))]
    told = [(absolute("site.edition", month=each.month), each.approved_at) for each in editions.released(session)]
    told += [
        (absolute("site.place", code=each.place_code, month=each.month), each.changed_at)
        for each in published.listed(session, limit=_MOST_MONTHS)
    ]
    return Response(render_template("feeds/sitemap.xml", pages=[*pages, *told]), mimetype="application/xml")
