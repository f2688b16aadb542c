"""A page's text as lines, in sections, without what belongs to the site and not to the update."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_BULLETS = "•▪●■◦‣∙·►▸▶▼▲△▽→↑↓➜⚠◇◆\ufe0f \t\u00a0"
_DASHES = ("- ", "* ", "– ", "— ")
#: Zero-width spaces and soft hyphens, which a browser copies along.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
_BREAKS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[ \t]{2,}|\t")
_LONGEST_FURNITURE = 200  #: characters; a longer line is somebody's text

_FURNITURE = re.compile(
    r"""
      (?:continue\ reading|(?:read|show|view|see|load)\ (?:more|less|all))\b.{0,30}
    | (?:share|tweet|e-?mail|print|save|copy|download)(?:\ (?:this|on|via|by|to|link|pdf|page|article)\b.{0,40})?
    | (?:share:?\s*)?
      (?:(?:facebook|twitter|x|linkedin|whatsapp|telegram|reddit|youtube|instagram|e-?mail|print)[\s,|/·]*)+
    | (?:follow|find)\ us\b.{0,40}
    | skip\ to\b.{0,40} | (?:back\ )?to\ top | menu | search | home | close | next | previous | pdf
    | (?:log|sign)\ (?:in|up|out) | register | subscribe | donate | (?:support|about|contact)(?:\ us)?
    | careers | faqs? | advertisement
    | (?:privacy|cookies?|terms)(?:\ (?:policy|notice|settings|preferences|of\ (?:use|service)|(?:and|&)\ conditions))?
    | (?:we|this\ (?:web)?site|our\ (?:web)?site)\ uses?\ cookies\b.*
    | (?:accept|reject|decline|allow|manage)(?:\ all)?(?:\ (?:cookies|preferences))?
    | (?:subscribe\ to|sign\ up\ (?:for|to))\b.{0,80}\b(?:updates?|newsletters?|alerts?)
    | receive\ the\ best\b.* | (?:enter\ )?your\ e-?mail(?:\ address)?
    | (?:©|\(c\)\ |copyright\ (?:©|\(c\)|[0-9]{4})).{0,150} | all\ rights\ reserved
    | (?:photo|image|picture|caption|credit)s?(?:\ (?:by|credit|courtesy\ of))?\ ?[:/].{0,180}
    | .{0,180}\b(?:AFP|REUTERS|AP\ Photo|EPA|Getty\ Images)\ ?/\ ?\S.{0,60}
    | .{0,180}\S\ ?/\ ?(?:AFP|REUTERS|AP|EPA|Getty\ Images)
    | english|français|español|русский|العربية|中文
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NEWS = re.compile(r"(?:[\w’' ]{1,40} )?in the news", re.IGNORECASE)
_LINKS = re.compile(r"latest (?:updates?|reports?)|related (?:content|reports?|updates?|publications?)", re.IGNORECASE)
_FOOTER = re.compile(r"(?:subscribe to|sign up (?:for|to))\b.{0,80}\b(?:updates?|newsletters?|alerts?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty."""

    text: str
    gap: bool  #: an empty line stands before it


@dataclass(frozen=True, slots=True)
class Sections:
    """A page's lines by the heading that they stand under."""

    update: list[Line] = field(default_factory=list)  #: from the page's top to the first of the other headings
    news: list[Line] = field(default_factory=list)
    links: list[Line] = field(default_factory=list)
    footer: list[Line] = field(default_factory=list)


def page_lines(text: str) -> list[Line]:
    """The lines that hold something, without bullets, arrows and doubled spaces."""
    lines: list[Line] = []
    gap = False
    for raw in _BREAKS.split(text.translate(_INVISIBLE)):
        line = _SPACES.sub(" ", raw).strip().lstrip(_BULLETS)
        line = line[2:].lstrip(_BULLETS) if line.startswith(_DASHES) else line
        if line:
            lines.append(Line(line, gap))
        gap = not line
    return lines


def sections(lines: Sequence[Line]) -> Sections:
    """Sort the lines under the headings that a tracker's page has; the headings themselves are dropped."""
    found = Sections()
    current = found.update
    for line in lines:
        title = line.text.rstrip(" :") if len(line.text) <= _LONGEST_FURNITURE else ""
        if _NEWS.fullmatch(title):
            current = found.news
        elif _LINKS.fullmatch(title):
            current = found.links
        elif _FOOTER.fullmatch(title):
            current = found.footer
        else:
            current.append(line)
    return found


def is_furniture(text: str) -> bool:
    """Whether a line belongs to the site: navigation, share buttons, cookies, a picture's credit."""
    return len(text) <= _LONGEST_FURNITURE and _FURNITURE.fullmatch(text.rstrip(" ›»→>.:…")) is not None
