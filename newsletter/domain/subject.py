"""What a subscriber can follow: everything, a region, or a place.

A selection is a tuple of subjects. It is stored with a subscriber as one short text ("central-asia;SD"), which says the
same as the live Subscription rows, so that the sender reads one row a reader and not one row a subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from newsletter.domain.place import Gazetteer
from newsletter.errors import InvalidInput

ALL = "all"


def parse(codes: Iterable[str], gazetteer: Gazetteer) -> tuple[str, ...]:
    """Check the codes of a form, a file or a call, and bring them into their one order without repeats.

    What a wider subject covers is left out: all places make regions needless, a region its places.
    Raises InvalidInput for a code that is neither "all", nor a region's, nor a place's, and for no code at all.
    """
    regions = {region.code: region for region in gazetteer.regions}
    wanted = {code.strip() for code in codes} - {""}
    for code in sorted(wanted):
        if code != ALL and code not in regions and gazetteer.get(code) is None:
            raise InvalidInput(f"{code[:40]!r} is neither 'all', nor a region, nor a place")
    if not wanted:
        raise InvalidInput("choose all updates, or at least one region or country")
    if ALL in wanted:
        return (ALL,)
    kept = [region.code for region in gazetteer.regions if region.code in wanted]
    kept += [place.code for place in gazetteer.places if place.code in wanted and place.region.code not in wanted]
    return tuple(kept)


def covers(subjects: Sequence[str], place_code: str, region_code: str) -> bool:
    """Whether somebody who follows `subjects` follows this place of this region."""
    return ALL in subjects or region_code in subjects or place_code in subjects


def name(subject: str, gazetteer: Gazetteer) -> str:
    """What a reader calls a subject: all countries, Central Asia, Kazakhstan."""
    if subject == ALL:
        return "all countries"
    place = gazetteer.get(subject)
    if place is not None:
        return place.name
    return next((region.name for region in gazetteer.regions if region.code == subject), subject)


def join(subjects: Sequence[str]) -> str:
    """The stored form: codes parted by a semicolon."""
    return ";".join(subjects)


def split(text: str) -> tuple[str, ...]:
    """Read the stored form."""
    return tuple(code for code in text.split(";") if code)
