"""A calendar month, the unit of updates and editions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from newsletter.errors import InvalidMonth

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month of one year; ordered by time, and written YYYY-MM (ISO 8601)."""

    year: int
    number: int  #: 1 to 12

    def __post_init__(self) -> None:
        if not (1900 <= self.year <= 9998 and 1 <= self.number <= 12):
            raise InvalidMonth(f"{self.year:04}-{self.number:02} is no month; write it as YYYY-MM, such as 2022-11")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read YYYY-MM. Raises InvalidMonth."""
        match = _MONTH.fullmatch(text.strip())
        if match is None:
            raise InvalidMonth(f"{text[:20]!r} is no month; write it as YYYY-MM, such as 2022-11")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """The month that `day` (a date or a datetime) lies in."""
        return cls(day.year, day.month)

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def previous(self) -> Month:
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    @property
    def name(self) -> str:
        """As a reader would say it: November 2022."""
        return f"{_NAMES[self.number - 1]} {self.year}"

    def start(self, zone: ZoneInfo) -> datetime:
        """The first instant of the month in `zone`; the month lasts until the next one's start."""
        return datetime(self.year, self.number, 1, tzinfo=zone)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
