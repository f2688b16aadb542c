"""The vendored list of places: all ISO 3166-1 countries, and a tracker's usual places that are none."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

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
        )
        for row in _rows("places.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def synchronise(session: Session) -> None:
    """Bring the tables in step with the list; a place that left the list stays, as rows may name it."""
    places = gazetteer()
    for region in places.regions:
        session.merge(tables.Region(code=region.code, name=region.name, position=region.position))
    session.flush()
    for place in places.places:
        session.merge(tables.Place(code=place.code, name=place.name, region_code=place.region.code))
