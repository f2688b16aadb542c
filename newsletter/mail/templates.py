"""Where templates lie, and the Jinja environment that mails are rendered with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from itertools import dropwhile
from pathlib import Path

import css_inline
from jinja2 import StrictUndefined, select_autoescape
from markupsafe import Markup

from newsletter.domain.update import Trend
from newsletter.errors import TemplateError
from newsletter.mail import direction, markup, plaintext
from newsletter.mail.brief import brief
from newsletter.mail.template_errors import TellingEnvironment, TellingLoader
from newsletter.mail.wrapping import TEXT_WIDTH, width, wrap

_PACKAGE = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The templates: inside the package when it was installed from a wheel, beside it in a checkout."""
    installed = _PACKAGE / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


@cache
def environment(overrides: Path | None = None) -> TellingEnvironment:
    """For mails: HTML escapes by itself, plain text has nothing to escape, a name that is missing is an error.

    A file in `overrides` goes before the one of the same name that comes with the program. Whatever is wrong with a
    template, also with one that it includes, is a TemplateError.
    """
    shipped = folder() / "email"
    folders = [shipped] if overrides is None else [overrides, shipped]
    made = TellingEnvironment(
        loader=TellingLoader(folders),
        autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=True, default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # A service uses the templates that it was started with: somebody who edits them must not have half of a change
        # sent at night. Who wants to see a change calls `refresh`.
        auto_reload=False,
    )
    made.filters["wrap"] = wrap
    made.filters["underline"] = underline
    made.filters["markdown"] = markup.to_html
    made.filters["day"] = day
    made.filters["brief"] = brief
    made.filters["lines"] = lines
    made.filters["dir"] = direction.attribute
    made.filters["plain"] = plaintext.to_text
    made.filters["strip"] = strip
    made.globals["link_list"] = plaintext.LinkList
    _read_all(made)
    return made


def _read_all(made: TellingEnvironment) -> None:
    """Read every template now, so that none is of a later hour than the others."""
    for name in made.list_templates(extensions=("txt", "html", "css")):
        # One that is broken is told when its mail is to be made, and read anew then; the other mails do without it.
        with suppress(TemplateError):
            made.get_template(name)


def refresh() -> None:
    """Read the templates anew for the next mail: for a preview, where they change under its hands."""
    environment.cache_clear()


def underline(text: str, sign: str = "-") -> str:
    """A heading of a text part."""
    return f"{text}\n{sign * min(width(text), TEXT_WIDTH)}"


def day(value: date) -> str:
    """A date as text says it: 7 January 2022."""
    return f"{value.day} {value:%B} {value.year}"


def lines(text: str) -> Markup:
    """Words that were typed in lines, as HTML that keeps them."""
    return Markup("<br>").join(text.splitlines())


def strip(trends: Sequence[Trend | None]) -> str:
    """The last months' trends as a row of signs, oldest first, from the first month that had an update."""
    known = dropwhile(lambda trend: trend is None, trends)
    return " ".join("·" if trend is None else trend.sign for trend in known)


@cache
def _inliner() -> css_inline.CSSInliner:
    # Remote style sheets are off: a template must not make the server fetch anything.
    return css_inline.CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)


def inline_css(html: str) -> str:
    """Move the rules of <style> into style attributes, which all mail clients keep; @media rules stay."""
    return _inliner().inline(html)
