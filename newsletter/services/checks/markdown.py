"""Links and images in what editors write: those that a mail can't follow or show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from markdown_it.token import Token

from newsletter.domain.edition import Contents
from newsletter.mail.markup import URL_SCHEMES, parser
from newsletter.services.checks.finding import Check, Finding

#: Without any of these a text has no link and no image; to parse all of a large edition takes a part of a second.
_SIGNS = ("](", "][", "]:", "<")
_KEPT = 2_000  #: texts that were parsed: most are the same at the next look


@dataclass(frozen=True, slots=True)
class Reference:
    """An address in an editor's text."""

    url: str
    where: str  #: in words: "Sudan, development 2"
    place: str | None  #: the code of the place whose update has it; None: the overview
    is_image: bool = False
    alternative: str = ""  #: of an image: the words that stand for it


def references(contents: Contents) -> Iterator[Reference]:
    """Every link and image, in the edition's order."""
    yield from _in_text(contents.overview, "The overview", None)
    for entry in contents.entries:
        name, code = entry.place.name, entry.place.code
        for number, development in enumerate(entry.update.developments, 1):
            yield from _in_text(development.text, f"{name}, development {number}", code)
        for number, link in enumerate(entry.update.links, 1):
            yield Reference(link.url, f"{name}, link {number}", code)


def _in_text(text: str, where: str, place: str | None) -> Iterator[Reference]:
    if any(sign in text for sign in _SIGNS):
        for url, is_image, alternative in _parsed(text):
            yield Reference(url, where, place, is_image, alternative)


@lru_cache(_KEPT)
def _parsed(text: str) -> tuple[tuple[str, bool, str], ...]:
    """The addresses in a text: each with whether it is an image's, and the words that stand for that."""
    tokens = (token for block in parser.parse(text) for token in block.children or ())
    return tuple(_address(token) for token in tokens if token.type in ("link_open", "image"))


def _address(token: Token) -> tuple[str, bool, str]:
    if token.type == "image":
        return str(token.attrGet("src") or ""), True, token.content
    return str(token.attrGet("href") or ""), False, ""


def problems(found: list[Reference]) -> Iterator[Finding]:
    """What is wrong with them by their looks; whether they answer is for services.checks.reaching."""
    for each in found:
        if each.is_image:
            yield Finding(Check.IMAGE, _about_image(each), each.place)
        elif not _scheme(each.url):
            words = f"{each.where}: “{_short(each.url)}” is no whole address; write it with https://."
            yield Finding(Check.LINK, words, each.place)
        elif _scheme(each.url) not in URL_SCHEMES:
            words = f"{each.where}: “{_short(each.url)}” can’t be followed from a mail; link to a page on the web."
            yield Finding(Check.LINK, words, each.place)


def _about_image(image: Reference) -> str:
    lacking = "" if image.alternative.strip() else " has no alternative text, and"
    return f"{image.where}: the image “{_short(image.url)}”{lacking} is shown nowhere. Link to it instead."


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def _short(url: str) -> str:
    return url if len(url) <= 80 else f"{url[:79]}…"
