"""A country update as a JSON object, the same in import, export and API.

`from_json` and `to_json` are each other's inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update, UpdateState
from newsletter.errors import InvalidUpdate

Choice = TypeVar("Choice", bound=StrEnum)


def to_json(update: Update) -> dict[str, object]:
    """The update as the JSON object that docs/updates.md describes."""
    return {
        "place": update.place,
        "month": str(update.month),
        "trend": update.trend.value,
        "alerts": [alert.value for alert in update.alerts],
        "headline": update.headline,
        "developments": [{"lead": each.lead, "text": each.text} for each in update.developments],
        "quotes": [
            {
                "date": each.date.isoformat(),
                "words": each.words,
                "outlet": each.outlet,
                "person": each.person,
                "role": each.role,
            }
            for each in update.quotes
        ],
        "links": [
            {"date": each.date.isoformat(), "kind": each.kind, "title": each.title, "url": each.url}
            for each in update.links
        ],
        "state": update.state.value,
    }


def from_json(data: object) -> Update:
    """Read the JSON object that `to_json` writes. Raises InvalidUpdate (naming the field) or InvalidMonth."""
    update = _Fields(data, "the update")
    update.only("place", "month", "trend", "alerts", "headline", "developments", "quotes", "links", "state")
    state = update.optional("state")
    return Update(
        place=update.text("place"),
        month=Month.parse(update.text("month")),
        trend=_choice(Trend, update.text("trend"), "trend"),
        alerts=tuple(_choice(Alert, alert, "alerts") for alert in update.texts("alerts")),
        headline=update.text("headline"),
        developments=tuple(
            Development(each.text("lead"), each.text("text")) for each in update.objects("developments", "lead", "text")
        ),
        quotes=tuple(
            Quote(
                date=each.day("date"),
                words=each.text("words"),
                outlet=each.text("outlet"),
                person=each.optional("person"),
                role=each.optional("role"),
            )
            for each in update.objects("quotes", "date", "words", "outlet", "person", "role")
        ),
        links=tuple(
            Link(each.day("date"), each.text("kind"), each.text("title"), each.text("url"))
            for each in update.objects("links", "date", "kind", "title", "url")
        ),
        state=UpdateState.READY if state is None else _choice(UpdateState, state, "state"),
    )


class _Fields:
    """One JSON object, read field by field, with errors that name the field."""

    def __init__(self, data: object, name: str) -> None:
        if not isinstance(data, Mapping):
            raise InvalidUpdate(f"{name} is no JSON object")
        self._data: Mapping[object, object] = data
        self._name = name

    def only(self, *known: str) -> None:
        unknown = [str(key)[:40] for key in self._data if key not in known]
        if unknown:
            raise InvalidUpdate(f"{self._name} has an unknown field {unknown[0]!r}; the fields are {', '.join(known)}")

    def text(self, field: str) -> str:
        value = self._data.get(field)
        if not isinstance(value, str):
            raise InvalidUpdate(f"{self._name} needs a text in {field!r}")
        return value

    def optional(self, field: str) -> str | None:
        return None if self._data.get(field) is None else self.text(field)

    def day(self, field: str) -> date:
        value = self.text(field)
        # fromisoformat alone would take other forms of ISO 8601, too, such as 2022-W45-1.
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:
            raise InvalidUpdate(f"{self._name} has {value[:40]!r} in {field!r}; write a day as YYYY-MM-DD")
        return day

    def texts(self, field: str) -> list[str]:
        values = self._list(field)
        if not all(isinstance(value, str) for value in values):
            raise InvalidUpdate(f"{self._name} needs a list of texts in {field!r}")
        return [str(value) for value in values]

    def objects(self, field: str, *known: str) -> list[_Fields]:
        objects = [_Fields(value, f"{field} {number}") for number, value in enumerate(self._list(field), 1)]
        for each in objects:
            each.only(*known)
        return objects

    def _list(self, field: str) -> list[object]:
        value = self._data.get(field, [])
        if not isinstance(value, list):
            raise InvalidUpdate(f"{self._name} needs a list in {field!r}")
        return value


def _choice(choices: type[Choice], value: str, field: str) -> Choice:
    try:
        return choices(value)
    except ValueError:
        raise InvalidUpdate(f"{field} is {value[:40]!r}; write one of {', '.join(choices)}") from None
