"""Where templates lie, and the Jinja environment that mails are rendered with."""

from __future__ import annotations

import re
import textwrap
from datetime import date
from functools import cache
from pathlib import Path

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from newsletter.mail import markup

TEXT_WIDTH = 72  #: columns of a text part: with a quote mark or two it still fits 80
BRIEF_LENGTH = 110  #: characters of a headline where a place is told in brief

_PACKAGE = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The templates: inside the package when it was installed from a wheel, beside it in a checkout."""
    installed = _PACKAGE / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


@cache
def environment() -> Environment:
    """For mails: HTML escapes by itself, plain text has nothing to escape, a name that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(folder() / "email"),
        autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=True, default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["wrap"] = wrap
    made.filters["underline"] = underline
    made.filters["markdown"] = markup.to_html
    made.filters["day"] = day
    made.filters["brief"] = brief
    return made


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """Plain text in lines of TEXT_WIDTH columns, paragraph by paragraph; words are never broken."""
    paragraphs = re.split(r"\n[ \t]*\n+", text.strip())
    wrapped = []
    for number, paragraph in enumerate(paragraphs):
        lead = first if number == 0 and first is not None else indent
        wrapped.append(
            textwrap.fill(
                " ".join(paragraph.split()),
                TEXT_WIDTH,
                initial_indent=lead,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n\n".join(wrapped)


def underline(text: str, sign: str = "-") -> str:
    """A heading of a text part."""
    return f"{text}\n{sign * min(len(text), TEXT_WIDTH)}"


def day(value: date) -> str:
    """A date as text says it: 7 January 2022."""
    return f"{value.day} {value:%B} {value.year}"


def brief(text: str) -> str:
    """A headline in a few words: at most BRIEF_LENGTH characters, cut between two words."""
    if len(text) <= BRIEF_LENGTH:
        return text
    words = text[:BRIEF_LENGTH].rsplit(maxsplit=1)[0]
    return f"{words.rstrip(' ,;:.')} …"


@cache
def _inliner() -> css_inline.CSSInliner:
    # Remote style sheets are off: a template must not make the server fetch anything.
    return css_inline.CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)


def inline_css(html: str) -> str:
    """Move the rules of <style> into style attributes, which all mail clients keep; @media rules stay."""
    return _inliner().inline(html)
