"""The form on other people's sites: in a frame, or as plain HTML that leads here.

    /embed         the form for a frame; what answers it stays in the frame
    /embed/start   where a plain form of another site leads: our form, filled in
    /embed/code    both as HTML to paste

Only sites in EMBED_ORIGINS may show the frame. A plain form may stand anywhere, as by itself it asks for nothing: the
reader sees our form with what they typed, and our words about what comes, and sends it from here. It is posted and not
linked, so that no address of a reader's gets into an address of a page, and from there into logs.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask import Response as Page
from werkzeug.wrappers import Response

from newsletter.domain import subject
from newsletter.mail.links import CONFIRMATION_LIFETIME
from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.web import forms, picker, security
from newsletter.web.database import current_session
from newsletter.web.forms import SignupForm
from newsletter.web.readers import signup
from newsletter.web.readers.shared import full_picker
from newsletter.web.wiring import wiring

embed = Blueprint("embed", __name__, url_prefix="/embed")

_FRAMED = frozenset({"embed.form", "embed.subscribe", "embed.asked"})


@embed.after_request
def _let_be_framed(response: Page) -> Page:
    """Also what goes wrong is told in the frame."""
    if request.endpoint in _FRAMED:
        response.headers["Content-Security-Policy"] = security.framed_policy(wiring().settings.embed_origins)
    return response


@embed.get("")
def form() -> str:
    chosen = _chosen()
    short = picker.for_chosen(chosen, editorial.covered(current_session()), gazetteer())
    return render_template("embed.html", signup=short, chosen=chosen)


@embed.post("")
def subscribe() -> Response:
    """The site's own form decides; only the page that follows is another."""
    answer = signup.subscribe()
    return answer if answer.status_code != 303 else redirect(url_for("embed.asked"), 303)


@embed.get("/check-your-mail")
def asked() -> str:
    return render_template("embed/asked.html", lifetime_days=CONFIRMATION_LIFETIME.days)


@embed.get("/start")
def start_anew() -> Response:
    """For who comes to the address by hand."""
    return redirect(url_for("readers.subscribe_form"))


@embed.post("/start")
def start() -> str:
    """Shows what was typed elsewhere, and keeps nothing of it."""
    typed = SignupForm.read(request.form)
    typed.follow = forms.known(typed.follow, gazetteer())
    return render_template("subscribe.html", form=typed, picker=full_picker(typed.follow))


@embed.get("/code")
def code() -> str:
    chosen = _chosen()[:1] or (subject.ALL,)
    return render_template(
        "embed/code.html",
        chosen=chosen[0],
        about=subject.name(chosen[0], gazetteer()),
        choices=picker.full(chosen, (), gazetteer()),
        base_url=wiring().publication.links.base_url,
        origins=wiring().settings.embed_origins,
    )


def _chosen() -> tuple[str, ...]:
    """The subjects that the page's address names, in their one order."""
    known = forms.known(request.args.getlist("follow"), gazetteer())
    return subject.parse(known, gazetteer()) if known else ()
