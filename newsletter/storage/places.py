"""The vendored list of places: all ISO 3166-1 countries, and a tracker's usual places that are none."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain.place import Gazetteer, Place, Region
from newsletter.storage import tables


@cache
def gazetteer() -> Gazetteer:
    """All places and regions, from the CSV files beside this module."""
    regions = {row["code"]: Region(row["code"], row["name"], int(row["position"])) for row in _rows("regions.csv")}
    return Gazetteer(
        Place(
            code=row["code"],
            name=row["name"],
            region=regions[row["region"]],
            iso_numeric=row["iso_numeric"] or None,
            aliases=tuple(row["aliases"].split("|")) if row["aliases"] else (),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for row in _rows("places.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def synchronise(session: Session) -> None:
    """Bring the tables in step with the list; a place that left the list stays, as rows may name it."""
    places = gazetteer()
    regions = set(map(tuple, session.execute(select(tables.Region.code, tables.Region.name, tables.Region.position))))
    for region in places.regions:
        if (region.code, region.name, region.position) not in regions:
            session.merge(tables.Region(code=region.code, name=region.name, position=region.position))
    session.flush()
    stored = set(map(tuple, session.execute(select(tables.Place.code, tables.Place.name, tables.Place.region_code))))
    for place in places.places:
        if (place.code, place.name, place.region.code) not in stored:
            session.merge(tables.Place(code=place.code, name=place.name, region_code=place.region.code))
