"""When each of those may go who have to wait for one destination: a time of their own, to the second.

Whoever has to wait gets the next second that isn't fully booked, and comes up again in it. What is sent is counted by a
bucket of tokens, so no more than the rate goes out on average, whatever is booked; the bookings only make sure that
those who come up find their token, and that nobody is looked at who can't go yet. Approximate is this:

- Nobody is told apart. When somebody comes up and a booked second has come, they are taken for the one who booked it.
- Who was booked at a lower rate keeps their second when the rate rises: what became free goes to others.
- Who was booked at a higher rate, and finds no token, is booked anew.
- Where most of those booked for a second don't come, all bookings are forgotten: their edition was paused, say. Those
  who come after all are like any others.
- Beyond HORIZON nothing is booked. Those who come after are spread evenly over the time that follows, and looked at
  anew then.
"""

from collections import deque
from dataclasses import dataclass
from math import floor
from typing import Final

from newsletter.delivery.pacing import TokenBucket

HORIZON: Final = 900  #: seconds that are booked at most, and over which those are spread who find no room in them
EXPIRY: Final = 10  #: seconds after which somebody who was booked is not waited for
AHEAD: Final = 1.5  #: seconds that one who comes up may be early: seconds are whole, and senders look only so often


@dataclass(slots=True)
class _Late:
    """A second that has come."""

    second: int
    booked: int  #: how many it was given to
    missing: int  #: of these, who have not come up yet


class Slots:
    """The seconds of one destination, for one sender."""

    def __init__(self, rate: float, now: float) -> None:
        """`rate` is in messages a second, more than 0."""
        self.rate = rate
        # A second's worth at once, since those who are booked come up by the second.
        self._bucket = TokenBucket(rate, now, burst=rate, tokens=1.0)
        self._booked: dict[int, int] = {}  # by second, in the future
        self._late: deque[_Late] = deque()  # seconds that have come
        self._due = 0  # those who should have come up by now
        self._second = int(now)  # up to which `_booked` was moved to `_late`
        self._next = self._second + 1  # no second before it is free
        self._spread = 0

    @property
    def is_in_use(self) -> bool:
        """Whether anybody waits."""
        return bool(self._booked or self._due)

    def change(self, rate: float, now: float) -> None:
        """From now on, another rate. Nobody who is booked learns of it before they come up."""
        if rate > self.rate:
            self._next = 0  # seconds that were full have room again
        self._bucket = TokenBucket(rate, now, burst=rate, tokens=self._bucket.tokens(now))
        self.rate = rate

    def take(self, now: float) -> int | None:
        """None to go at once; else the second, since 1970, to come up again."""
        second = int(now)
        self._move_on(second)
        if self._due:
            self._redeem()
            is_free = self._bucket.take(now, ahead=AHEAD)
        else:
            # Who was not booked may go if enough is left for those who are due in the next second.
            left = self._bucket.tokens(now) - 1.0 + self.rate * (second + 1 - now)
            is_free = left >= self._booked.get(second + 1, 0) and self._bucket.take(now)
        return None if is_free else self._book(second)

    def _move_on(self, second: int) -> None:
        if second <= self._second:
            return
        self._second = second
        for each in sorted(each for each in self._booked if each <= second):
            number = self._booked.pop(each)
            self._late.append(_Late(each, number, number))
            self._due += number
        while self._late and self._late[0].second < second - EXPIRY:
            expired = self._late.popleft()
            self._due -= expired.missing
            if expired.missing * 2 > expired.booked:
                self._forget()

    def _forget(self) -> None:
        self._booked.clear()
        self._late.clear()
        self._due = self._next = 0

    def _redeem(self) -> None:
        first = self._late[0]
        first.missing -= 1
        self._due -= 1
        if not first.missing:
            self._late.popleft()

    def _book(self, second: int) -> int:
        self._next = max(self._next, second + 1)
        last = second + HORIZON
        while self._next <= last:
            booked = self._booked.get(self._next, 0)
            if booked < self._room(self._next):
                self._booked[self._next] = booked + 1
                return self._next
            self._next += 1
        self._spread = (self._spread + 1) % HORIZON
        return last + 1 + self._spread

    def _room(self, second: int) -> int:
        """How many may be booked for a second: whole numbers that are the rate on average."""
        return floor(self.rate * (second + 1)) - floor(self.rate * second)
