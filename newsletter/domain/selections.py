"""What the subscribers of a list follow, read fast: what domain.subject says, with the order looked up beforehand."""

from __future__ import annotations

from newsletter.domain import subject
from newsletter.domain.place import Gazetteer


class Selections:
    """Reads "KZ;SD" into the stored form of a selection."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._order = {place.code: number for number, place in enumerate(gazetteer.places)}

    def read(self, text: str) -> str:
        """The stored form (domain.subject.join). Raises InvalidInput as domain.subject.parse does."""
        codes = text.split(";")
        try:
            if len(codes) == 1:
                return text if text == subject.ALL or text in self._order else self._slowly(codes)
            # Of places alone, none covers another.
            return ";".join(sorted(set(codes), key=self._order.__getitem__))
        except KeyError:
            return self._slowly(codes)

    def _slowly(self, codes: list[str]) -> str:
        return subject.join(subject.parse(codes, self._gazetteer))
