"""The digest as any chosen reader gets it, before and after it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, make_response, render_template, request, url_for
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.role import Act, Role, may
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidInput
from newsletter.mail import showing
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.pictures.picture import Scheme
from newsletter.services import digests, editions
from newsletter.services.digests import PreviewMail
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber
from newsletter.web import access, security
from newsletter.web.database import current_session
from newsletter.web.wiring import now, wiring

preview = Blueprint("preview", __name__, url_prefix="/admin")
preview.before_request(access.guard)

_LONGEST_ID = 9  #: digits, which PostgreSQL's integers hold

PARTS = {"html": "HTML", "text": "Text", "source": "Source"}

#: How the HTML can be looked at: a query parameter, what it is called, and its values with theirs. The first is usual.
SWITCHES = {
    "width": ("Width", {"": "Both", "phone": "Phone, 375 px", "desktop": "Desktop, 700 px"}),
    "scheme": ("Colours", {"": "As this device", Scheme.LIGHT.value: "Light", Scheme.DARK.value: "Dark"}),
    "pictures": ("Pictures", {"": "On", "off": "Off"}),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose digest is shown."""

    follows: tuple[str, ...]
    address: str | None = None
    text_only: bool = False

    @property
    def parts(self) -> dict[str, str]:
        """What there is to see of their digest."""
        return {name: words for name, words in PARTS.items() if name != "html" or not self.text_only}


@preview.get("/editions/<month:month>/preview")
def show(month: Month) -> str | tuple[str, int]:
    asked = request.args.get("part", "html")
    if asked not in PARTS:
        abort(404)
    look = _look()
    errors: dict[str, str] = {}
    reader = _reader(errors)
    parts = reader.parts if reader else PARTS
    part = asked if asked in parts else "text"
    mail = _mail_or_error(month, reader, errors) if reader else None
    page = render_template(
        "desk/preview.html",
        month=month,
        part=part,
        parts=parts,
        reader=reader,
        follows=[subject.name(each, gazetteer()) for each in reader.follows] if reader else [],
        mail=mail,
        typed_as=request.args.get("as", ""),
        typed_places=request.args.get("places", ""),
        errors=errors,
        look=look,
        switches=SWITCHES,
        budgets=(HTML_BUDGET, MESSAGE_BUDGET),
        frame=url_for("preview.body", month=month, **_chosen(), **_given(look)),
        link=lambda **other: url_for("preview.show", month=month, **_chosen(), **_given(look | {"part": part} | other)),
    )
    return (page, 400) if errors else page


@preview.get("/editions/<month:month>/preview/body")
def body(month: Month) -> Response:
    """The HTML part by itself, for the frame."""
    reader = _reader({})
    if reader is None or reader.text_only:
        abort(404)
    look = _look()
    html = _mail(month, reader).html
    if look["pictures"]:
        html = showing.without_pictures(html)
    if look["scheme"]:
        html = showing.in_scheme(html, Scheme(look["scheme"]))
    response = make_response(html)
    response.headers["Content-Security-Policy"] = security.mail_policy()
    return response


def _mail_or_error(month: Month, reader: Reader, errors: dict[str, str]) -> PreviewMail | None:
    try:
        return _mail(month, reader)
    except InvalidInput as error:
        errors["as" if reader.address else "places"] = f"{str(error)[:1].upper()}{str(error)[1:]}"
        return None


def _mail(month: Month, reader: Reader) -> PreviewMail:
    session = current_session()
    edition = editions.get(session, month)
    return digests.preview(
        session,
        edition,
        wiring().publication,
        follows=reader.follows,
        address=reader.address,
        text_only=reader.text_only,
        now=now(),
    )


def _look() -> dict[str, str]:
    """The value of each switch."""
    look = {name: request.args.get(name, "") for name in SWITCHES}
    if any(value not in SWITCHES[name][1] for name, value in look.items()):
        abort(404)
    return look


def _given(values: dict[str, str]) -> dict[str, Any]:
    """Without what is as usual, so that addresses stay short."""
    return {name: value for name, value in values.items() if value}


def _chosen() -> dict[str, Any]:
    return {name: request.args[name] for name in ("as", "places") if request.args.get(name)}


def _reader(errors: dict[str, str]) -> Reader | None:
    """Whom the address or the places name; without either, somebody who follows everything."""
    typed = request.args.get("as", "").strip()
    if typed:
        return _subscriber(typed, errors)
    codes = request.args.get("places", "").replace(";", ",").split(",")
    if not any(code.strip() for code in codes):
        return Reader((subject.ALL,))
    try:
        return Reader(subject.parse([_code(code) for code in codes], gazetteer()))
    except InvalidInput as error:
        errors["places"] = str(error)
        return None


def _code(name: str) -> str:
    """A place's code for its name or a code in any case; what is no place may be a region."""
    place = gazetteer().find(name) if name.strip() else None
    return place.code if place else name.strip().casefold()


def _by_number(typed: str) -> ColumnElement[bool]:
    """For a subscriber's id; one that is longer than any is nobody's."""
    return Subscriber.id == (int(typed) if len(typed) <= _LONGEST_ID else 0)


def _subscriber(typed: str, errors: dict[str, str]) -> Reader | None:
    if not may(Role(access.current_admin().role), Act.SUBSCRIBERS):
        errors["as"] = "Your role doesn’t see subscribers; choose places in place of one"
        return None
    try:
        is_meant = _by_number(typed) if typed.isdecimal() else Subscriber.address_key == Address.parse(typed).key
    except InvalidInput as error:
        errors["as"] = str(error)
        return None
    found = current_session().scalar(select(Subscriber).where(is_meant))
    if found is None or found.state != SubscriberState.ACTIVE.value:
        errors["as"] = f"Nobody with this {'number' if typed.isdecimal() else 'address'} gets the digest"
        return None
    return Reader(subject.split(found.follows), found.address, found.text_only)
