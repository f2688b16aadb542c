"""Which clients lack a feature, by caniemail's data, and the table in docs/mail-clients.md that answers to it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from tests.mail_checks import tools

DOCUMENT = tools.PROJECT / "docs" / "mail-clients.md"

#: By family and platform, with caniemail's names for both.
CLIENTS = {
    "Outlook": {
        "Windows": ("outlook", "windows"),
        "Windows Mail": ("outlook", "windows-mail"),
        "web": ("outlook", "outlook-com"),
        "macOS": ("outlook", "macos"),
        "iOS": ("outlook", "ios"),
        "Android": ("outlook", "android"),
    },
    "Gmail": {
        "web": ("gmail", "desktop-webmail"),
        "iOS": ("gmail", "ios"),
        "Android": ("gmail", "android"),
    },
    "Apple Mail": {"macOS": ("apple-mail", "macos"), "iOS": ("apple-mail", "ios")},
    "Yahoo": {
        "web": ("yahoo", "desktop-webmail"),
        "iOS": ("yahoo", "ios"),
        "Android": ("yahoo", "android"),
    },
    "Samsung Email": {"Android": ("samsung-email", "android")},
    "Thunderbird": {"desktop": ("thunderbird", "macos")},
    "Proton Mail": {
        "web": ("protonmail", "desktop-webmail"),
        "iOS": ("protonmail", "ios"),
        "Android": ("protonmail", "android"),
    },
}
#: Word lays out what these show; they alone read Outlook's conditional comments.
WITH_WORD = {("outlook", "windows"), ("outlook", "windows-mail")}
WITHOUT_WORD = {client for platforms in CLIENTS.values() for client in platforms.values()} - WITH_WORD

Client = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A feature that we use though a client lacks it."""

    feature: str
    where: str
    why: str
    fallback: str


@cache
def _support() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]:
    """By feature, family and platform: what each version does, the newest last."""
    path = tools.package("caniemail") / "data" / "caniemail.json"
    return {each["slug"]: each["stats"] for each in json.loads(path.read_text(encoding="utf-8"))["data"]}


def lacking(feature: str, clients: Collection[Client]) -> str:
    """Which of the clients lack a feature, as the document says it; empty when all have it."""
    if feature not in _support():
        return "not in caniemail"
    found: dict[str, list[str]] = {"no": [], "partly": []}
    for family, platforms in CLIENTS.items():
        for verdict, names in found.items():
            lack = [name for name, each in platforms.items() if each in clients and _verdict(feature, each) == verdict]
            if lack:
                names.append(family if len(lack) == len(platforms) else f"{family} ({', '.join(lack)})")
    return "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in found.items() if names)


def _verdict(feature: str, client: Client) -> str:
    family, platform = client
    versions = list(_support()[feature].get(family, {}).get(platform, {}).values())
    letter = versions[-1][0] if versions else "u"
    return {"y": "yes", "n": "no", "a": "partly", "u": "nobody has tried"}[letter]


def gaps(used: Collection[str], used_in_word: Collection[str]) -> dict[str, str]:
    """What is used and lacking somewhere: where, by feature."""
    found = {}
    for feature in sorted({*used, *used_in_word}):
        clients = (WITHOUT_WORD if feature in used else set()) | (WITH_WORD if feature in used_in_word else set())
        found[feature] = lacking(feature, clients)
    return {feature: where for feature, where in found.items() if where}


def documented() -> list[Row]:
    """The rows of the document's table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`|]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    return [Row(*(cell.strip() for cell in row)) for row in rows]
