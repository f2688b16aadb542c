"""An editor's Markdown (CommonMark) as HTML that is safe in a page and in a mail."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False})
_TAGS = {"p", "br", "em", "strong", "a", "ul", "ol", "li", "blockquote", "code"}
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}}


def to_html(text: str) -> Markup:
    """Paragraphs, emphasis, lists, quotes and links; everything else, HTML above all, is shown as text or left out."""
    rendered = _markdown.render(text)
    clean = nh3.clean(
        rendered, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel=None
    )
    return Markup(clean.strip())  # noqa: S704 - nh3 has just cleaned it
