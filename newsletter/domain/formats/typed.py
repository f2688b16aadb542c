"""An update as it stands in a form: every field is text, whether all of it makes an update or not.

`Typed.of` and `check` are each other's inverse for every valid update that is `tidy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest

from newsletter.domain.characters import is_control
from newsletter.domain.formats.markdown import tidy
from newsletter.domain.month import Month
from newsletter.domain.update import (
    MOST_DEVELOPMENTS,
    Alert,
    Development,
    Link,
    Quote,
    Trend,
    Update,
    UpdateState,
)
from newsletter.errors import InvalidInput

Row = Mapping[str, str]

#: What there can be several of, with the fields of each.
KINDS: Mapping[str, tuple[str, ...]] = {
    "development": ("lead", "text"),
    "quote": ("words", "outlet", "date", "person", "role"),
    "link": ("title", "kind", "date", "url"),
}
_STEP = re.compile(r"(add)-([a-z]+)|(up|down|remove)-([a-z]+)-([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a form came to: an update, or what is wrong, by the field that it stands beside."""

    update: Update | None
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form."""

    trend: str = ""
    alerts: tuple[str, ...] = ()
    headline: str = ""
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)  #: by kind, all of KINDS

    @classmethod
    def of(cls, update: Update) -> Typed:
        """A form that holds this update."""
        rows: dict[str, tuple[Row, ...]] = {
            "development": tuple({"lead": each.lead, "text": each.text} for each in update.developments),
            "quote": tuple(
                {
                    "words": each.words,
                    "outlet": each.outlet,
                    "date": each.date.isoformat(),
                    "person": each.person or "",
                    "role": each.role or "",
                }
                for each in update.quotes
            ),
            "link": tuple(
                {"title": each.title, "kind": each.kind, "date": each.date.isoformat(), "url": each.url}
                for each in update.links
            ),
        }
        return cls(update.trend.value, tuple(alert.value for alert in update.alerts), update.headline, rows)

    @classmethod
    def empty(cls) -> Typed:
        """A form that nobody has typed in: one development waits to be written."""
        return cls(rows={kind: (dict.fromkeys(KINDS[kind], ""),) * (kind == "development") for kind in KINDS})

    @classmethod
    def read(cls, values: Callable[[str], Sequence[str]]) -> Typed:
        """What a browser sends; `values` gives all values of a name. The rows of a kind lie side by side."""
        return cls(
            trend=_first(values("trend")),
            alerts=tuple(values("alerts")),
            headline=_first(values("headline")),
            rows={kind: _rows(kind, values) for kind in KINDS},
        )

    @classmethod
    def from_json(cls, data: object) -> Typed:
        """What `to_json` wrote."""
        given = data if isinstance(data, dict) else {}
        rows = given.get("rows", {})
        return cls(
            trend=str(given.get("trend", "")),
            alerts=tuple(map(str, given.get("alerts", ()))),
            headline=str(given.get("headline", "")),
            rows={
                kind: tuple({name: str(row.get(name, "")) for name in KINDS[kind]} for row in rows.get(kind, ()))
                for kind in KINDS
            },
        )

    def to_json(self) -> dict[str, object]:
        """For keeping."""
        rows = {kind: [dict(row) for row in rows] for kind, rows in self.rows.items()}
        return {"trend": self.trend, "alerts": list(self.alerts), "headline": self.headline, "rows": rows}

    def arranged(self, step: str) -> Typed:
        """With a row added ("add-quote"), moved ("up-quote-2", "down-quote-1") or taken away ("remove-quote-1").

        Raises InvalidInput for what is no such step.
        """
        match = _STEP.fullmatch(step)
        kind = (match[2] or match[4]) if match else ""
        if match is None or kind not in KINDS:
            raise InvalidInput("press one of the form’s buttons")
        rows = list(self.rows.get(kind, ()))
        if match[1]:
            rows.append(dict.fromkeys(KINDS[kind], ""))
        else:
            _move(rows, match[3], int(match[5]) - 1)
        return replace(self, rows={**self.rows, kind: tuple(rows)})

    def without_blanks(self) -> Typed:
        """Without rows that nothing is typed in."""
        kept = {
            kind: tuple(row for row in rows if any(text.strip() for text in row.values()))
            for kind, rows in self.rows.items()
        }
        return replace(self, rows=kept)

    def without_rows(self, wrong: Iterable[str]) -> Typed:
        """Without the rows that an error stands in, named as `check` names fields."""
        dropped = {name.rpartition("-")[0] for name in wrong}
        kept = {
            kind: tuple(row for number, row in enumerate(rows, 1) if f"{kind}-{number}" not in dropped)
            for kind, rows in self.rows.items()
        }
        return replace(self, rows=kept)

    def check(self, place: str, month: Month, state: UpdateState) -> Checked:
        """The update that the form makes, or all that is wrong. Rows that are blank have to be left out before."""
        errors: dict[str, str] = {}
        if self.trend not in list(Trend):
            errors["trend"] = "Choose the trend"
        if not set(self.alerts) <= set(Alert):
            errors["alerts"] = "Choose from the list"
        if not self.headline.strip():
            errors["headline"] = "Write a headline"
        _check_number(len(self.rows["development"]), errors)
        for kind, rows in self.rows.items():
            for number, row in enumerate(rows, 1):
                _check_row(kind, number, row, errors)
        _check_characters(self, errors)
        if errors:
            return Checked(None, errors)
        update = tidy(self._update(place, month, state))
        left = update.problems()  # the domain has the last word
        return Checked(None if left else update, {"form": "; ".join(left)} if left else {})

    def _update(self, place: str, month: Month, state: UpdateState) -> Update:
        return Update(
            place=place,
            month=month,
            trend=Trend(self.trend),
            headline=self.headline.replace("\n", " "),
            developments=tuple(Development(row["lead"], row["text"]) for row in self.rows["development"]),
            alerts=tuple(alert for alert in dict.fromkeys(map(Alert, self.alerts))),
            quotes=tuple(
                Quote(date.fromisoformat(row["date"].strip()), row["words"], row["outlet"], row["person"], row["role"])
                for row in self.rows["quote"]
            ),
            links=tuple(
                Link(date.fromisoformat(row["date"].strip()), row["kind"], row["title"], row["url"].strip())
                for row in self.rows["link"]
            ),
            state=state,
        )


def _rows(kind: str, values: Callable[[str], Sequence[str]]) -> tuple[Row, ...]:
    names = KINDS[kind]
    columns = [values(f"{kind}-{name}") for name in names]
    return tuple(
        {name: _text(value) for name, value in zip(names, row, strict=True)}
        for row in zip_longest(*columns, fillvalue="")
    )


def _first(values: Sequence[str]) -> str:
    return _text(values[0]) if values else ""


def _text(value: str) -> str:
    """A browser ends lines with CR LF (HTML, 4.10.21.4)."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def _move(rows: list[Row], step: str, index: int) -> None:
    """Where there is no such row, or no place to go, everything stays."""
    if not 0 <= index < len(rows):
        return
    row = rows.pop(index)
    if step != "remove":
        rows.insert(max(index + (-1 if step == "up" else 1), 0), row)


def _check_number(developments: int, errors: dict[str, str]) -> None:
    if developments == 0:
        errors["development"] = "Write at least one development"
    elif developments > MOST_DEVELOPMENTS:
        errors["development"] = f"There are {developments} developments; keep at most {MOST_DEVELOPMENTS}"


def _check_row(kind: str, number: int, row: Row, errors: dict[str, str]) -> None:
    def wrong(name: str, words: str) -> None:
        errors.setdefault(f"{kind}-{number}-{name}", words)

    if kind == "development":
        if not row["lead"].strip():
            wrong("lead", "Write the lead sentence")
        return
    if not is_day(row["date"]):
        wrong("date", "Write the day, as YYYY-MM-DD")
    if kind == "link":
        _check_link(row, wrong)


def _check_link(row: Row, wrong: Callable[[str, str], None]) -> None:
    if not row["title"].strip():
        wrong("title", "Write the title")
    if not row["kind"].strip():
        wrong("kind", "Say what it is, such as Report")
    if not row["url"].strip():
        wrong("url", "Write the address")
    elif Link(date.min, "x", "x", row["url"].strip()).problems():
        wrong("url", "Write a whole address, with https:// at its beginning")


def is_day(text: str) -> bool:
    """Whether a text is a day, as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text.strip()).isoformat() == text.strip()
    except ValueError:
        return False


def _check_characters(typed: Typed, errors: dict[str, str]) -> None:
    fields = {"headline": typed.headline} | {
        f"{kind}-{number}-{name}": text
        for kind, rows in typed.rows.items()
        for number, row in enumerate(rows, 1)
        for name, text in row.items()
    }
    for name, text in fields.items():
        found = next((char for char in text if is_control(char)), None)
        if found is not None:
            errors.setdefault(name, f"Take out the control character U+{ord(found):04X}")
