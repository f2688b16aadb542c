"""Which places have updates, and where each stands after its newest one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.place import Place, Region
from newsletter.domain.update import Alert, Trend, UpdateState
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import CountryUpdate


@dataclass(frozen=True, slots=True)
class Standing:
    """A place by its newest ready update."""

    place: Place
    month: Month
    trend: Trend
    alerts: tuple[Alert, ...]
    headline: str


def covered(session: Session) -> frozenset[str]:
    """The codes of the places that have a ready update."""
    ready = CountryUpdate.state == UpdateState.READY.value
    return frozenset(session.scalars(select(CountryUpdate.place_code).where(ready).distinct()))


def standings(session: Session) -> list[Standing]:
    """All places that have a ready update, by region and name."""
    ready = CountryUpdate.state == UpdateState.READY.value
    newest = (
        select(CountryUpdate.place_code, func.max(CountryUpdate.month).label("month"))
        .where(ready)
        .group_by(CountryUpdate.place_code)
        .subquery()
    )
    rows = session.execute(
        select(
            CountryUpdate.place_code,
            CountryUpdate.month,
            CountryUpdate.trend,
            CountryUpdate.alerts,
            CountryUpdate.headline,
        )
        .join(newest, (newest.c.place_code == CountryUpdate.place_code) & (newest.c.month == CountryUpdate.month))
        .where(ready)
    )
    found = {
        code: Standing(
            gazetteer().require(code), Month.parse(month), Trend(trend), tuple(Alert(each) for each in alerts), headline
        )
        for code, month, trend, alerts, headline in rows
    }
    return [found[place.code] for place in gazetteer().places if place.code in found]


def by_region(standings_: list[Standing]) -> list[tuple[Region, list[Standing]]]:
    """The same, with each region's in a list of their own."""
    groups: dict[Region, list[Standing]] = {}
    for standing in standings_:
        groups.setdefault(standing.place.region, []).append(standing)
    return list(groups.items())
