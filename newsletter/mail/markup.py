"""An editor's Markdown (CommonMark) as HTML that is safe in a page and in a mail."""

from __future__ import annotations

import html

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

parser = MarkdownIt("commonmark", {"html": False})  #: the text part of a mail reads it too
URL_SCHEMES = {"http", "https", "mailto"}  #: of links that can be followed
_TAGS = {"p", "br", "em", "strong", "a", "ul", "ol", "li", "blockquote", "code"}
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}}


def to_html(text: str) -> Markup:
    """Paragraphs, emphasis, lists, quotes and links; everything else, HTML above all, is shown as text or left out."""
    rendered = parser.render(text)
    clean = nh3.clean(rendered, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=URL_SCHEMES, link_rel=None)
    return Markup(clean.strip())  # noqa: S704 - nh3 has just cleaned it


def escape(text: str) -> str:
    """Text between tags as the style sheet's inliner writes it (HTML, 13.3: what is serialised)."""
    return html.escape(text, quote=False).replace("\u00a0", "&nbsp;")
