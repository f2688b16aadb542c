"""The demo's inbox: what the mail catcher took in, as a mail program would show it.

A mail's HTML is a stranger's: it is shown in a frame without scripts and without our origin, and its links open in a
new window, outside the frame. The pictures that it carries are put into it; of all others, only ours are fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from newsletter.mail import showing
from newsletter.mail.caught import CaughtMail
from newsletter.web import security
from newsletter.web.wiring import wiring

inbox = Blueprint("inbox", __name__, url_prefix="/inbox")

PARTS = {"html": "HTML", "text": "Text", "headers": "Headers", "source": "Source"}
ESCAPES = ("allow-popups", "allow-popups-to-escape-sandbox")

#: Seconds between two looks at the list: a mail takes a moment to come.
REFRESH_SECONDS = 5
_MOST_LISTED = 200
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A mail in the list."""

    mail: CaughtMail
    subject: str
    sender: str


@inbox.get("/")
def listing() -> str:
    wanted = request.args.get("to", "").strip()
    found = [mail for mail in _messages() if wanted.casefold() in ", ".join(mail.rcpt_to).casefold()]
    lines = [_line(mail) for mail in found[:_MOST_LISTED]]
    return render_template(
        "inbox/list.html", lines=lines, count=len(found), wanted=wanted, refresh=None if wanted else REFRESH_SECONDS
    )


@inbox.get("/<int:mail_number>")
def mail(mail_number: int) -> str:
    caught = _find(mail_number)
    message = _read(caught)
    part = request.args.get("part") or ("html" if _body(message, "html") else "text")
    if part not in PARTS:
        abort(404)
    return render_template(
        "inbox/mail.html",
        line=_line(caught),
        part=part,
        parts=PARTS,
        text=_body(message, "plain") or "",
        headers=[(name, str(value)) for name, value in message.items()],
        source=caught.data.decode("utf-8", "replace"),
        sandbox=" ".join(ESCAPES),
    )


@inbox.get("/<int:mail_number>/html")
def html(mail_number: int) -> Response:
    """The HTML part by itself, for the frame."""
    message = _read(_find(mail_number))
    found = _body(message, "html")
    if found is None:
        abort(404)
    response = make_response(_in_new_windows(showing.with_pictures(found, showing.carried_images(message))))
    links = wiring().publication.links
    ours = (f"{links.editions()}/", links.brand(""))
    response.headers["Content-Security-Policy"] = security.mail_policy(*ESCAPES, pictures=ours)
    return response


def _messages() -> list[CaughtMail]:
    """The newest first."""
    caught = wiring().inbox
    return list(reversed(caught.messages())) if caught else []


def _find(mail_number: int) -> CaughtMail:
    found = next((mail for mail in _messages() if mail.number == mail_number), None)
    if found is None:
        abort(404)
    return found


def _read(mail: CaughtMail) -> EmailMessage:
    return message_from_bytes(mail.data, policy=policy.default)


def _line(mail: CaughtMail) -> Line:
    message = _read(mail)
    return Line(mail, str(message["Subject"] or "(no subject)"), str(message["From"] or mail.mail_from))


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else None


def _in_new_windows(html: str) -> str:
    base = '<base target="_blank">'
    placed, count = _HEAD.subn(lambda head: head[0] + base, html, count=1)
    return placed if count else base + html
