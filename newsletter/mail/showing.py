"""A mail made ready for a page of ours: its HTML with its pictures in it, in one colour scheme, or without pictures.

A frame of ours fetches nothing (web.security), so every picture is put in as a data: URI (RFC 2397), whether the
message carries it (cid:, RFC 2392) or our site would give it.
"""

from __future__ import annotations

import base64
import email
import html as markup
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, MIMEPart

from newsletter.domain.month import Month
from newsletter.mail.pictures.picture import Image, Scheme
from newsletter.mail.publication import Publication

#: The rest of a tag: a ">" inside a quoted value doesn't end it.
_REST = r"""\b(?:[^>"']|"[^"]*"|'[^']*')*>"""
_PICTURE = re.compile(f"<(?:img|source){_REST}", re.IGNORECASE)
_SOURCE = re.compile(f"<source{_REST}", re.IGNORECASE)
_SCHEMED = re.compile(f"<(html|body|meta|source){_REST}", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>.*?</style>", re.IGNORECASE | re.DOTALL)
#: One attribute after another, so that words inside a value are never taken for one.
_ATTRIBUTE = re.compile(r"""(\s)([^\s=>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_PROPERTY = re.compile(r"(?<![\w-])color-scheme\s*:[^;}]*", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width: 0)", "(max-width: 0)"


@dataclass(frozen=True, slots=True)
class Shown:
    """What arrives, taken apart as a mail client does."""

    subject: str
    html: str  #: with its pictures in it, as data: URIs
    text: str
    html_bytes: int  #: of the HTML part as it is sent, without pictures


def taken_apart(data: bytes, publication: Publication, month: Month, images: Iterable[Image]) -> Shown:
    """A message of ours as it is shown; `images` are those on our site of the month's edition."""
    message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.SMTP)
    html = message.get_body(("html",))
    links = publication.links
    known = {links.picture(month, image.name): image for image in images}
    known |= {links.brand(image.name): image for image in publication.brand.images()}
    sent = html.get_payload(decode=True) if html is not None else b""
    return Shown(
        subject=str(message["Subject"]),
        html=with_pictures(_words(html), known | carried_images(message)),
        text=_words(message.get_body(("plain",))),
        html_bytes=len(sent) if isinstance(sent, bytes) else 0,
    )


def _words(part: MIMEPart | None) -> str:
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def with_pictures(html: str, images: Mapping[str, Image]) -> str:
    """The same with data: URIs in place of those addresses of `img` and `source` that `images` knows."""

    def shown(name: str, value: str) -> str:
        if name == "src":
            return _uri(value, images)
        if name == "srcset":
            return ", ".join(_candidate(each, images) for each in re.split(r",\s+", value.strip()))
        return value

    return _PICTURE.sub(lambda tag: _each_attribute(tag[0], shown), html)


def without_pictures(html: str) -> str:
    """The same as a client shows it that loads no pictures: their alternative texts stand in their places."""

    def kept(name: str, value: str) -> str | None:
        return None if name in ("src", "srcset") else value

    return _PICTURE.sub(lambda tag: _each_attribute(tag[0], kept), _SOURCE.sub("", html))


def in_scheme(html: str, scheme: Scheme) -> str:
    """The same as a client shows it that is set to this scheme, whatever the browser in front of it is set to."""

    def decided(css: str) -> str:
        asked = _PREFERS.sub(lambda found: _ALWAYS if found[1].lower() == scheme.value else _NEVER, css)
        return _PROPERTY.sub(f"color-scheme: {scheme.value}", asked)

    def decided_tag(tag: re.Match[str]) -> str:
        names_schemes = tag[1].lower() == "meta" and "color-scheme" in tag[0]

        def changed(name: str, value: str) -> str:
            if name == "content" and names_schemes:
                return scheme.value
            return decided(value) if name in ("media", "style") else value

        return _each_attribute(tag[0], changed)

    return _SCHEMED.sub(decided_tag, _STYLE.sub(lambda style: decided(style[0]), html))


def carried_images(message: EmailMessage) -> dict[str, Image]:
    """The pictures that a message carries, by the addresses that its HTML names them with (RFC 2392)."""
    found = {}
    for part in message.walk():
        content_id = str(part.get("Content-ID", "")).strip().strip("<>")
        data = part.get_payload(decode=True)
        if content_id and part.get_content_maintype() == "image" and isinstance(data, bytes):
            found[f"cid:{content_id}"] = Image(content_id, data, part.get_content_subtype())
    return found


def _candidate(text: str, images: Mapping[str, Image]) -> str:
    """One of a srcset's candidates: an address, and for which screens it is."""
    address, space, condition = text.partition(" ")
    return f"{_uri(address, images)}{space}{condition}"


def _uri(address: str, images: Mapping[str, Image]) -> str:
    image = images.get(address.strip())
    if image is None:
        return address
    return f"data:image/{image.subtype};base64,{base64.b64encode(image.data).decode('ascii')}"


def _each_attribute(tag: str, change: Callable[[str, str], str | None]) -> str:
    """A tag with its attributes' values changed; None drops one."""

    def changed(attribute: re.Match[str]) -> str:
        space, name, quoted = attribute.groups()
        value = change(name.lower(), markup.unescape(quoted[1:-1]))
        return "" if value is None else f'{space}{name}="{markup.escape(value)}"'

    return _ATTRIBUTE.sub(changed, tag)
