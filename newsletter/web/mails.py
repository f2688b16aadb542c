"""Every mail with sample data, for whoever works on its templates: `newsletter preview`.

An application of its own, without a database and without any reader's data. A page asks each second whether a template
has changed (static/mails.js), and loads itself anew when one has; without scripts, loading it by hand does the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, make_response, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from newsletter.config import Settings
from newsletter.errors import NotFound, TemplateError
from newsletter.mail import showing, templates
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.pictures.picture import Scheme
from newsletter.services.specimens import Specimen, Specimens
from newsletter.web import security
from newsletter.web.rendering import number

mails = Blueprint("mails", __name__)

PARTS = {"html": "HTML", "text": "Text", "headers": "Headers", "source": "Source"}
#: What the HTML can be shown as: each choice with its ways, the usual one first.
WIDTHS = {"desktop": "Desktop, 700 px", "phone": "Phone, 375 px"}
SCHEMES = {"light": "Light", "dark": "Dark"}
PICTURES = {"on": "With pictures", "off": "Without pictures"}

#: What the frame may do that shows a mail: without scripts of its own it can be let be of our origin, so that ours can
#: find the place again where it was being read.
ESCAPES = ("allow-same-origin",)

_NAME = "newsletter.mails"


@dataclass(frozen=True, slots=True)
class View:
    """How a mail is looked at."""

    part: str = "html"
    width: str = "desktop"
    scheme: str = "light"
    pictures: str = "on"

    @classmethod
    def asked(cls) -> View:
        """As the address says it; one that can't be meant is not found."""
        asked = cls(**{name: request.args[name] for name in asdict(cls()) if name in request.args})
        for value, ways in (
            (asked.part, PARTS),
            (asked.width, WIDTHS),
            (asked.scheme, SCHEMES),
            (asked.pictures, PICTURES),
        ):
            if value not in ways:
                abort(404)
        return asked

    def query(self, **changes: str) -> dict[str, str]:
        """For an address: what differs from the usual view, with some of it changed."""
        usual = asdict(View())
        return {name: value for name, value in asdict(replace(self, **changes)).items() if value != usual[name]}


@dataclass(frozen=True, slots=True)
class Display:
    """The specimens, and which state of the templates they are of."""

    fingerprint: str
    specimens: Specimens


class Shelf:
    """Makes the specimens anew whenever a template has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._display: Display | None = None

    def fingerprint(self) -> str:
        """Changes whenever a template is changed, added or taken away."""
        told = hashlib.sha256()
        for path in self._files():
            try:
                state = path.stat()
            except OSError:  # gone since it was listed
                continue
            told.update(f"{path}\0{state.st_mtime_ns}\0{state.st_size}\n".encode())
        return told.hexdigest()[:16]

    def _files(self) -> Iterator[Path]:
        for folder in (templates.folder() / "email", self._settings.instance / "templates" / "email"):
            yield from sorted(path for path in folder.rglob("*") if path.is_file())

    def display(self) -> Display:
        """By the templates as they are now; what was made of the same ones is kept."""
        with self._lock:
            # Taken before the templates are read, so that a change in between is told by the next question.
            now = self.fingerprint()
            if self._display is None or self._display.fingerprint != now:
                templates.refresh()
                # The folder of the operator's own templates may have come or gone, so the publication is made anew.
                self._display = Display(now, Specimens(self._settings.publication))
            return self._display


def create_app(settings: Settings) -> Flask:
    """The pages of the preview."""
    app = Flask("newsletter.web", template_folder=str(templates.folder() / "web"), static_folder="static")
    app.url_map.strict_slashes = False
    app.extensions[_NAME] = Shelf(settings)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["number"] = number
    app.jinja_env.globals.update(title=settings.title, html_budget=HTML_BUDGET, message_budget=MESSAGE_BUDGET)
    app.register_error_handler(TemplateError, _on_broken)
    app.register_error_handler(NotFound, _on_missing)
    app.register_error_handler(HTTPException, _on_http_error)
    security.register(app)
    app.after_request(_let_it_ask)  # runs before what was registered before it
    app.register_blueprint(mails)
    return app


@mails.get("/")
def listing() -> str:
    """All mails with their sizes; one whose templates are broken says so in its row."""
    specimens = _display().specimens
    rows = [(name, title, *_made(specimens, name)) for name, title in specimens.titles.items()]
    return _page("mails/list.html", rows=rows)


@mails.get("/mails/<name>")
def mail(name: str) -> str:
    view = View.asked()
    return _page("mails/mail.html", mail=_display().specimens.get(name), view=view, name=name)


@mails.get("/mails/<name>/body")
def body(name: str) -> Response:
    """The HTML part by itself, for the frame."""
    view = View.asked()
    html = showing.in_scheme(_display().specimens.get(name).html, Scheme(view.scheme))
    response = make_response(showing.without_pictures(html) if view.pictures == "off" else html)
    response.headers["Content-Security-Policy"] = security.mail_policy(*ESCAPES)
    return response


@mails.get("/changes")
def changes() -> Response:
    """Whether a template has changed since the page was made that asks."""
    now = _shelf().fingerprint()
    return jsonify(changed=request.args.get("since", "") != now, fingerprint=now)


def _shelf() -> Shelf:
    found = current_app.extensions[_NAME]
    if not isinstance(found, Shelf):
        raise TypeError("the application was not made by create_app")
    return found


def _display() -> Display:
    """The same for the whole of a request."""
    if "display" not in g:
        g.display = _shelf().display()
    found: Display = g.display
    return found


def _made(specimens: Specimens, name: str) -> tuple[Specimen | None, TemplateError | None]:
    try:
        return specimens.get(name), None
    except TemplateError as error:
        return None, error


def _page(template: str, **facts: object) -> str:
    shared: Mapping[str, object] = {
        "fingerprint": _display().fingerprint,
        "titles": _display().specimens.titles,
        "parts": PARTS,
        "sandbox": " ".join(ESCAPES),
        "choices": {"width": WIDTHS, "scheme": SCHEMES, "pictures": PICTURES},
        "view": View(),
        "name": "",
    }
    return render_template(template, **{**shared, **facts})


def _on_broken(error: TemplateError) -> tuple[str, int]:
    name = (request.view_args or {}).get("name", "")
    return _page("mails/broken.html", error=error, view=View.asked(), name=name), 500


def _on_missing(error: NotFound) -> tuple[str, int]:
    return _page("mails/error.html", heading="Page not found", words=str(error)), 404


def _on_http_error(error: HTTPException) -> tuple[str, int]:
    heading, words = error.name, "Go back, and try it another way."
    if error.code == 404:
        heading, words = "Page not found", "There is nothing at this address. It may be mistyped."
    return _page("mails/error.html", heading=heading, words=words), error.code or 500


def _let_it_ask(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", f"{security.PAGE_POLICY}; connect-src 'self'")
    return response
