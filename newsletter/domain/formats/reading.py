"""Updates from a file or a form's text field, in whichever of the three formats: JSON, Markdown, a page's text.

    decode  bytes -> text
    read    text  -> updates that keep every rule, with what an editor should look at

An error's text begins with the file's name and is one line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from newsletter.domain.formats.json import from_json
from newsletter.domain.formats.markdown import read_markdown, tidy
from newsletter.domain.formats.page import Reading, read_page
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.update import Update
from newsletter.errors import InvalidInput, InvalidMonth, InvalidUpdate

__all__ = ["Reading", "decode", "read"]

_LARGEST = 1_000_000  #: bytes; the longest updates have some 10 000
_LONGEST_NAME = 100  #: characters of a place's name
_LONGEST_PROBLEM = 200  #: characters of one problem in an error's text
_WEB_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
#: Looks like a development's heading, and is none: the space is missing.
_NEAR_HEADING = re.compile(r"^ {0,3}##+[^\s#].*", re.MULTILINE)


def decode(data: bytes, *, source: str) -> str:
    """The text of a file named `source`. Raises InvalidUpdate unless it is UTF-8, free of NULs and below 1 MB."""
    if len(data) > _LARGEST:
        raise InvalidUpdate(f"{source}: is larger than 1 MB ({len(data)} bytes); an update is far smaller")
    if b"\0" in data:
        raise InvalidUpdate(f"{source}: not UTF-8 text (it holds a NUL byte); save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} in line {line}"
        raise InvalidUpdate(f"{source}: not UTF-8 text ({found}); save it as UTF-8") from None


def read(text: str, *, source: str, gazetteer: Gazetteer, month: Month | None) -> list[Reading]:
    """Every update in `text`, checked and tidied, its place as a code.

    `source` is the file's name, whose suffix tells the format; without one, or with .txt, the content does.
    `month` is the month that is asked for: a page needs it if it doesn't name one, and an update of
    another month is refused. Raises InvalidUpdate or InvalidMonth.
    """
    try:
        text = unicodedata.normalize("NFC", text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
        readings = [
            replace(each, update=_checked(each.update, gazetteer, month, position))
            for each, position in _positions(_parse(text, source, gazetteer, month))
        ]
        _refuse_repetition([each.update for each in readings])
    except InvalidMonth as error:
        raise InvalidMonth(f"{source}: {error}") from error
    except InvalidInput as error:
        raise InvalidUpdate(f"{source}: {error}") from error
    return readings


def _parse(text: str, source: str, gazetteer: Gazetteer, month: Month | None) -> list[Reading]:
    suffix = PurePath(source).suffix.lower()
    if suffix in (".html", ".htm", ".xhtml") or _WEB_PAGE.match(text):
        raise InvalidUpdate("is the source of a web page; open the page, copy its text and paste that into a .txt file")
    if not text.strip():
        raise InvalidUpdate("is empty")
    if suffix == ".json":
        return _read_json(text)
    if suffix in (".md", ".markdown"):
        return [_read_markdown(text)]
    start = text.lstrip()
    if start.startswith(("{", "[")):
        return _read_json(text)
    if re.match(r"---[ \t]*\n", start):
        return [_read_markdown(start)]
    return [read_page(text, gazetteer=gazetteer, month=month)]


def _read_json(text: str) -> list[Reading]:
    try:
        data: object = json.loads(text, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as error:
        raise InvalidUpdate(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise InvalidUpdate("not an update: its JSON is nested too deep") from None
    except ValueError:
        # Python refuses to read numbers of thousands of digits.
        raise InvalidUpdate("not an update: its JSON holds a number that is too long") from None
    if not isinstance(data, list):
        return [Reading(from_json(data))]
    if not data:
        raise InvalidUpdate("holds no update")
    return [Reading(_item(item, f"update {number}: ")) for number, item in enumerate(data, 1)]


def _item(data: object, position: str) -> Update:
    try:
        return from_json(data)
    except InvalidMonth as error:
        raise InvalidMonth(f"{position}{error}") from error
    except InvalidInput as error:
        raise InvalidUpdate(f"{position}{error}") from error


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise InvalidUpdate(f"the field {key[:40]!r} is there twice")
        fields[key] = value
    return fields


def _read_markdown(text: str) -> Reading:
    update = read_markdown(text)
    near = [
        f"development {number} holds a line {match[0].strip()[:40]!r}; put a space after ## if a new one begins there"
        for number, each in enumerate(update.developments, 1)
        for match in _NEAR_HEADING.finditer(each.text)
    ]
    return Reading(update, tuple(near[:10]))


def _positions(readings: Sequence[Reading]) -> list[tuple[Reading, str]]:
    """Each reading with the words that say in an error which it is."""
    if len(readings) == 1:
        return [(readings[0], "")]
    return [(reading, f"update {number}: ") for number, reading in enumerate(readings, 1)]


def _checked(update: Update, gazetteer: Gazetteer, month: Month | None, position: str) -> Update:
    """The update, tidied and with the code of its place, if it keeps every rule."""
    try:
        place = gazetteer.require(update.place.strip()[:_LONGEST_NAME])
    except InvalidInput as error:
        raise InvalidUpdate(f"{position}{error}") from error
    if month is not None and update.month != month:
        raise InvalidUpdate(f"{position}it is of {update.month}, and {month} was asked for")
    update = replace(tidy(update), place=place.code)
    problems = [" ".join(problem.split())[:_LONGEST_PROBLEM] for problem in update.problems()]
    if problems:
        raise InvalidUpdate(f"{position}{'; '.join(problems)}")
    return update


def _refuse_repetition(updates: Sequence[Update]) -> None:
    seen: dict[tuple[str, Month], int] = {}
    for number, update in enumerate(updates, 1):
        first = seen.setdefault((update.place, update.month), number)
        if first != number:
            raise InvalidUpdate(f"updates {first} and {number} are both of {update.place} in {update.month}")
