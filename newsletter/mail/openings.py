"""What a digest opens with, made for each reader: subject, preheader, and the sentence that sums up their places.

The words come from domain.tally, mail.news and mail.digest, as in a plain render; here they are made and encoded once
for all readers whose places did the same.
"""

from __future__ import annotations

from functools import lru_cache

from newsletter.domain.tally import Tally
from newsletter.mail import headers, markup, news, quoted
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import summarise
from newsletter.mail.news import News
from newsletter.mail.wrapping import wrap

_Few = tuple[int, int]  # some bits, and how many they stand for
_KEPT = 16_384  #: sentences of each kind; one is some hundred bytes


class Openings:
    """The openings of one edition's digests, by the bits of the places that somebody gets."""

    def __init__(self, compiled: Compiled) -> None:
        self._entries = compiled.entries
        self._lead = compiled.subject
        self._deteriorated = self._bits("deteriorated")
        self._improved = self._bits("improved")
        self._conflict_risk = self._bits("conflict_risk")
        self._resolution_opportunity = self._bits("resolution_opportunity")
        self._preheaders = [
            (1 << number, quoted.encode(markup.escape(compiled.entries[number].preheader)))
            for number in reversed(compiled.shorten_order)
        ]
        self._summaries = lru_cache(_KEPT)(_summaries)
        self._alert_ways = lru_cache(_KEPT)(self._make_alert_ways)
        self._trend_ways = lru_cache(_KEPT)(self._make_trend_ways)
        self._quiet_ways = lru_cache(_KEPT)(self._make_quiet_ways)
        self._fields = lru_cache(_KEPT)(self._make_field)

    def _bits(self, name: str) -> int:
        return sum(1 << number for number, entry in enumerate(self._entries) if getattr(entry, name))

    def _counts(self, chosen: int) -> tuple[int, int, int, int, int]:
        return (
            chosen.bit_count(),
            (chosen & self._deteriorated).bit_count(),
            (chosen & self._improved).bit_count(),
            (chosen & self._conflict_risk).bit_count(),
            (chosen & self._resolution_opportunity).bit_count(),
        )

    def summary(self, chosen: int, followed: int, shortened: int) -> tuple[bytes, bytes]:
        """The sentence, for the text and for the HTML part."""
        return self._summaries((*self._counts(chosen), followed), shortened)

    def preheader(self, chosen: int) -> bytes:
        """The news of the chosen place with most to tell, for the HTML part."""
        for bit, words in self._preheaders:
            if chosen & bit:
                return words
        return b""

    def subject(self, chosen: int) -> bytes:
        """The whole header field."""
        risks, chances = chosen & self._conflict_risk, chosen & self._resolution_opportunity
        named = risks | chances
        worse, better = _unnamed(chosen & self._deteriorated, named), _unnamed(chosen & self._improved, named)
        alerts = self._alert_ways(_few(risks, 3), _few(chances, 2)) if risks or chances else ()
        # Only what the words hang on: one place that changed is named, more are counted.
        if worse or better:
            trends = self._trend_ways((_single(worse), _single(better)))
        elif alerts:
            trends = ()
        else:
            trends = self._quiet_ways(_single(chosen))
        return self._fields(alerts, trends)

    def _make_field(self, alerts: tuple[str, ...], trends: tuple[str, ...]) -> bytes:
        return headers.field("Subject", news.fitted(self._lead, alerts, trends))

    def _make_alert_ways(self, risks: _Few, chances: _Few) -> tuple[str, ...]:
        return tuple(news.alert_ways(self._told(risks), self._told(chances)))

    def _make_trend_ways(self, changed: tuple[_Few, _Few]) -> tuple[str, ...]:
        worse, better = changed
        return tuple(news.trend_ways(News(0, "", (), (), self._told(worse), self._told(better))))

    def _make_quiet_ways(self, places: _Few) -> tuple[str, ...]:
        names = self._told(places)
        return tuple(news.trend_ways(News(len(names), names[0] if len(names) == 1 else "", (), (), (), ())))

    def _told(self, few: _Few) -> tuple[str, ...]:
        """The names, as far as they are told: behind them empty ones, which are only counted."""
        bits, count = few
        names = self._names(bits)
        return (*names, *[""] * (count - len(names)))

    def _names(self, bits: int) -> tuple[str, ...]:
        return tuple(entry.name for number, entry in enumerate(self._entries) if bits >> number & 1)


def _few(bits: int, most: int) -> _Few:
    """All the bits, where there are few; else the first one; and how many there are."""
    count = bits.bit_count()
    return (bits if count <= most else bits & -bits), count


def _unnamed(changed: int, named: int) -> int:
    """The same without a single place that an alert names already."""
    return 0 if changed & named and changed.bit_count() == 1 else changed


def _single(bits: int) -> _Few:
    """The bit, where there is one alone; more are only counted."""
    count = bits.bit_count()
    return (bits if count == 1 else 0), count


def _summaries(counts: tuple[int, int, int, int, int, int], shortened: int) -> tuple[bytes, bytes]:
    words = summarise(Tally(*counts), shortened)
    return quoted.encode(wrap(words)), quoted.encode(markup.escape(words))
