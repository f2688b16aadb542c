"""When digests may go out at all: quiet hours, and the growing number a day of a sending domain that is new."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Self

ENOUGH: Final = 10_000_000  #: messages a day, from which on there is no limit any more
MOST_DAYS: Final = 30  #: that a warm-up takes, however slowly it begins

_HOURS: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")
_WARM_UP: Final = re.compile(r"(\d{4}-\d\d-\d\d) ([1-9]\d{0,6})")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day in which no digest is sent; it may go over midnight."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read HH:MM-HH:MM. Raises ValueError."""
        match = _HOURS.fullmatch(text.strip())
        if match is None:
            raise ValueError("write two times of day, such as 22:00-07:00")
        hour, minute, end_hour, end_minute = (int(group) for group in match.groups())
        found = cls(time(hour, minute), time(end_hour, end_minute))
        if found.begin == found.end:
            raise ValueError("write two different times of day, such as 22:00-07:00")
        return found

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet hours end that `now` lies in; None outside of them. `now` is in the organisation's zone."""
        return next((end for begin, end in self._around(now) if begin <= now < end), None)

    def _around(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The quiet hours that began yesterday and begin today, by the clock, whether it was put forward or back."""
        found = []
        for day in (now.date() - timedelta(days=1), now.date()):
            last = day if self.begin < self.end else day + timedelta(days=1)
            begin = datetime.combine(day, self.begin, now.tzinfo)
            found.append((begin, datetime.combine(last, self.end, now.tzinfo)))
        return found


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A new domain's first days: so many messages on the first, twice as many on each day after it."""

    since: date
    first_day: int  #: messages

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a date and a number. Raises ValueError."""
        match = _WARM_UP.fullmatch(text.strip())
        try:
            since = date.fromisoformat(match[1]) if match else None
        except ValueError:
            since = None
        if match is None or since is None:
            raise ValueError("write the first day and its number of messages, such as 2026-12-01 500")
        return cls(since, int(match[2]))

    def __str__(self) -> str:
        return f"{self.since} {self.first_day}"

    def limit(self, day: date) -> int | None:
        """How many messages may go out on a day, at most; None: any number. Before the first day, as many as on it."""
        days = max(0, (day - self.since).days)
        if days > MOST_DAYS:
            return None
        limit = self.first_day * 2**days
        return limit if limit <= ENOUGH else None
