"""A month with as many places as one likes, each with a good deal to tell."""

from __future__ import annotations

import random
from datetime import date
from functools import cache

from newsletter.domain.edition import Contents, assemble
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update
from newsletter.storage.places import gazetteer

MONTH = Month(2022, 11)


@cache
def crowded_contents(places: int) -> Contents:
    """The same for the same number."""
    dice = random.Random(places)
    updates = [
        _update(place.code, month, dice) for place in gazetteer().places[:places] for month in (MONTH.previous, MONTH)
    ]
    return assemble(MONTH, updates, gazetteer())


def _update(code: str, month: Month, dice: random.Random) -> Update:
    alerts = [alert for alert in Alert if dice.random() < 0.05]
    return Update(
        place=code,
        month=month,
        trend=dice.choices(list(Trend), (2, 1, 5))[0],
        alerts=tuple(alerts),
        headline=_words(dice, 20),
        developments=tuple(Development(_words(dice, 10), _words(dice, 60)) for _ in range(2)),
        quotes=(Quote(date(2022, 11, 7), _words(dice, 15), "Example Courier", "Ada Sample", "Analyst"),),
        links=(Link(date(2022, 11, 9), "Report", _words(dice, 8), "https://example.org/reports/a"),),
    )


def _words(dice: random.Random, count: int) -> str:
    letters = "aeioubcdfghlmnprstvé"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 10))) for _ in range(count)]
    return " ".join(words).capitalize() + "."
