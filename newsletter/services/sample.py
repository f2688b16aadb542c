"""The sample months that come with the program: what the demo shows, and what previews and tests are made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from newsletter.domain.edition import Contents, assemble
from newsletter.domain.formats.reading import Reading, read
from newsletter.domain.month import Month
from newsletter.storage.places import gazetteer

FOLDER = Path(__file__).resolve().parent.parent / "sample"
LATEST = Month(2022, 11)


def sample_readings() -> list[Reading]:
    """The sample updates, the oldest month first."""
    return [
        reading
        for path in sorted(FOLDER.glob("*.json"))
        for reading in read(path.read_text(encoding="utf-8"), source=path.name, gazetteer=gazetteer(), month=None)
    ]


def sample_overviews() -> dict[Month, str]:
    """The overviews of the sample months' editions, without white space around them."""
    return {
        Month.parse(path.stem): path.read_text(encoding="utf-8").strip()
        for path in sorted((FOLDER / "overviews").glob("*.md"))
    }


def latest_contents() -> Contents:
    """The last sample month as an edition tells it."""
    told = assemble(LATEST, [reading.update for reading in sample_readings()], gazetteer())
    return replace(told, overview=sample_overviews()[LATEST])
