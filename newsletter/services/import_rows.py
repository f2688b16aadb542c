"""A file of subscribers, row by row, each checked by itself; in bounded memory, whatever the file holds."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final, TypeVar

from newsletter.domain.address import Address
from newsletter.domain.importing import Outcome, Problem
from newsletter.domain.plain_address import plain_address
from newsletter.domain.selections import Selections
from newsletter.errors import InvalidInput
from newsletter.services.subscribers import COLUMNS, plain
from newsletter.storage.import_staging import StagedRow
from newsletter.storage.places import gazetteer

_NEEDED: Final = frozenset({"email", "follows", "consent"})
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)  #: before it nobody agreed to mail like this
LONGEST_FIELD: Final = 4_000  #: characters
LONGEST_KEPT: Final = 500  #: characters of a field of a rejected row
LONGEST_RECORD: Final = 1_000_000  #: bytes; what is longer is no row
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?")
_OTHER_UNICODE: Final = (b"\xff\xfe", b"\xfe\xff")  #: how files in UTF-16 begin
_Read = TypeVar("_Read")

_OTHER_DELIMITERS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


class _Unfit(Exception):
    """A row can't be taken."""

    def __init__(self, problem: Problem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


class Reader:
    """Reads the rows of one file.

    Raises InvalidInput, as soon as it is met, for what makes the file as a whole one that can't be read.
    """

    def __init__(self, stream: BinaryIO, *, now: datetime) -> None:
        self._stream = stream
        self._now = now
        self._line = 0  # read last
        self._record_bytes = 0  # read since the last row ended
        self._selections = Selections(gazetteer())
        # Strict: a quote in the wrong place would make one field of many rows.
        self._records = csv.reader(self._lines(), strict=True)
        self._names = self._read_head()
        self._at = [self._names.index(name) if name in self._names else None for name in COLUMNS]

    @property
    def bytes_read(self) -> int:
        """Of the file so far."""
        return self._stream.tell()

    def rows(self, *, after: int = 0) -> Iterator[StagedRow]:
        """Each row whose last line is behind the line `after`."""
        for fields in self._guarded():
            if fields and self._line > after:
                yield self._row(fields)

    def _guarded(self) -> Iterator[list[str]]:
        try:
            for fields in self._records:
                self._record_bytes = 0
                yield fields
        except csv.Error as error:
            raise InvalidInput(f"line {self._line} is no CSV: {error}") from None

    def _lines(self) -> Iterator[str]:
        # Never more than one byte above what a row may have: a line can be as long as the file.
        while raw := self._stream.readline(LONGEST_RECORD + 1):
            self._line += 1
            self._record_bytes += len(raw)
            if self._record_bytes > LONGEST_RECORD:
                raise InvalidInput(f"line {self._line} is no CSV: a row of more than {LONGEST_RECORD:,} bytes")
            if self._line == 1:
                raw = _without_mark(raw)
            try:
                line = raw.decode()
            except UnicodeDecodeError:
                raise InvalidInput(f"line {self._line} is no UTF-8 text; save the file as CSV in UTF-8") from None
            yield line.replace("\0", "") if "\0" in line else line

    def _read_head(self) -> list[str]:
        names = [name.strip() for name in next(self._guarded(), [])]
        _check_head(names)
        return names

    def _row(self, fields: list[str]) -> StagedRow:
        try:
            return self._taken(fields)
        except _Unfit as error:
            return self._rejected(fields, error)

    def _taken(self, fields: list[str]) -> StagedRow:
        if len(fields) > len(self._names):
            raise _Unfit(Problem.FIELDS, "more fields than columns")
        if len(max(fields, key=len)) > LONGEST_FIELD:
            raise _Unfit(Problem.FIELDS, f"a field is longer than {LONGEST_FIELD} characters")
        email, follows, language, status, confirmed_at, consent = self._pick(fields)
        if status not in ("", "active"):
            told = f"the status is {status[:20]!r}, and only active subscribers are taken in"
            raise _Unfit(Problem.STATUS, told)
        if not consent:
            raise _Unfit(Problem.CONSENT, "consent is empty: say where and how it was given")
        if language not in ("", "en") and not _LANGUAGE.fullmatch(language):
            raise _Unfit(Problem.LANGUAGE, f"the language is {language[:20]!r}; write a code such as en")
        address = plain_address(email) or _blaming(Problem.ADDRESS, Address.parse, email)
        selection = _blaming(Problem.FOLLOWS, self._selections.read, follows)
        at = self._time(confirmed_at) if confirmed_at else None
        return StagedRow(
            self._line, address.text, address.key, language or "en", selection, at, consent, Outcome.NEW.value
        )

    def _pick(self, fields: list[str]) -> list[str]:
        """The fields in the order of COLUMNS; what a line is too short for is empty."""
        count = len(fields)
        return [plain(fields[at].strip()) if at is not None and at < count else "" for at in self._at]

    def _time(self, text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text)
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            told = f"confirmed_at is {text[:30]!r}; write 2022-11-30 or 2022-11-30T09:00:00+00:00"
            raise _Unfit(Problem.TIME, told) from None
        if found < EARLIEST:
            raise _Unfit(Problem.TIME, f"confirmed_at lies before {EARLIEST:%Y}")
        if found > self._now:
            raise _Unfit(Problem.TIME, "confirmed_at lies in the future")
        return found

    def _rejected(self, fields: list[str], error: _Unfit) -> StagedRow:
        kept = [field.strip()[:LONGEST_KEPT] for field in fields]
        original = json.dumps(dict(zip(self._names, kept, strict=False)), ensure_ascii=False)
        return StagedRow(
            self._line,
            "",
            "",
            "",
            "",
            None,
            "",
            Outcome.REJECTED.value,
            error.problem.value,
            str(error),
            original,
        )


def _blaming(problem: Problem, read: Callable[[str], _Read], text: str) -> _Read:
    try:
        return read(text)
    except InvalidInput as error:
        raise _Unfit(problem, str(error)) from None


def _without_mark(first: bytes) -> bytes:
    """The first line without the mark that some programs write before UTF-8. Raises InvalidInput for UTF-16."""
    if first.startswith(_OTHER_UNICODE):
        raise InvalidInput("line 1 is no UTF-8 text but UTF-16; save the file as CSV in UTF-8")
    return first.removeprefix(b"\xef\xbb\xbf")


def _check_head(names: Sequence[str]) -> None:
    missing = _NEEDED - set(names)
    unknown = set(names) - set(COLUMNS)
    twice = {name for name in names if names.count(name) > 1}
    other = next((words for sign, words in _OTHER_DELIMITERS.items() if len(names) == 1 and sign in names[0]), None)
    if other:
        problem = f"is parted by {other}, not by commas: save the file anew"
    elif missing:
        problem = f"lacks {', '.join(sorted(missing))}"
    elif unknown:
        problem = f"has an unknown column {min(unknown)[:40]!r}"
    elif twice:
        problem = f"has the column {min(twice)!r} twice"
    else:
        return
    raise InvalidInput(f"the first line {problem}; the columns are {', '.join(COLUMNS)}")
