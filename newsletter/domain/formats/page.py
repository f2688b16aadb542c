"""An update from the text of a tracker's web page, as it is when a person copies and pastes it.

Such a text has no marks for what is what, so the reader goes by the page's order: heading, trend and
alerts, headline, developments, then the sections "In The News" and "Latest Updates". What it isn't sure
of, and whatever it leaves out, it says in a doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.domain.formats.webpage.body import read_body
from newsletter.domain.formats.webpage.doubts import Doubts, first_words
from newsletter.domain.formats.webpage.heading import TOP, Heading, Markers, find_heading, find_place, markers
from newsletter.domain.formats.webpage.lines import Line, is_furniture, page_lines, sections
from newsletter.domain.formats.webpage.links import read_links
from newsletter.domain.formats.webpage.quotes import read_quotes
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.update import Alert, Trend, Update
from newsletter.errors import InvalidMonth, InvalidUpdate

_LABEL = 60  #: characters; between heading and trend a page has a region's name and the like, no paragraphs


@dataclass(frozen=True, slots=True)
class Reading:
    """An update as it was read."""

    update: Update
    doubts: tuple[str, ...] = ()  #: what the reader wasn't sure of, each one sentence for an editor


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above the headline."""

    end: int  #: the index of the first line below
    above: tuple[Markers, ...]  #: what the lines above the heading say
    below: tuple[Markers, ...]  #: what the heading and the lines below it say
    unknown: tuple[str, ...]

    @property
    def trends(self) -> tuple[Trend, ...]:
        return tuple(trend for each in self._situation for trend in each.trends)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        found = {alert for each in self._situation for alert in each.alerts}
        return tuple(alert for alert in Alert if alert in found)

    @property
    def months(self) -> tuple[Month, ...]:
        return tuple(dict.fromkeys(month for each in (*self.below, *self.above) for month in each.months))

    @property
    def _situation(self) -> tuple[Markers, ...]:
        # A menu or a map's legend above the heading may name every trend there is.
        return self.below if any(each.trends or each.alerts for each in self.below) else self.above


def read_page(text: str, *, gazetteer: Gazetteer, month: Month | None) -> Reading:
    """Read one page. `month` is the update's month if the page doesn't say.

    The update still needs a check of its `problems`. Raises InvalidUpdate or InvalidMonth.
    """
    parts = sections(page_lines(text))
    heading = find_heading(parts.update, gazetteer)
    if heading is None:
        raise InvalidUpdate("no place was found in the first lines; let the text begin with the place's name")
    doubts = Doubts()
    _doubt_place(heading, parts.update, doubts)
    head = _read_head(parts.update, heading, gazetteer)
    for unknown in head.unknown:
        doubts.left_out(unknown, "above the headline")
    alerts = list(head.alerts)
    body = _without_markers(parts.update[head.end :], alerts, doubts, trends=head.trends)
    headline, developments = read_body(body, doubts, headline_first=bool(head.trends or head.alerts))
    update = Update(
        place=heading.place.code,
        month=_month(head.months, month, doubts),
        trend=_trend(head.trends, doubts),
        headline=headline,
        developments=developments,
        alerts=tuple(alert for alert in Alert if alert in alerts),
        quotes=read_quotes(parts.news, doubts),
        links=read_links(parts.links, doubts),
    )
    for line in parts.footer:
        if not is_furniture(line.text):
            doubts.left_out(line.text, "at the foot of the page")
    return Reading(update, doubts.sentences())


def _doubt_place(heading: Heading, lines: Sequence[Line], doubts: Doubts) -> None:
    place = heading.place.name
    if not heading.sure:
        doubts.add(f"the place was guessed to be {place} from {first_words(lines[heading.index].text)!r}")
    if heading.others:
        others = ", ".join(other.name for other in heading.others)
        doubts.add(f"the place was taken to be {place}, but lines above the headline also name {others}")


def _read_head(lines: Sequence[Line], heading: Heading, gazetteer: Gazetteer) -> _Head:
    """Everything up to the last trend, alert or month line below the heading."""
    named = markers(lines[heading.index].text)
    seen = bool(named.trends or named.alerts)
    end = heading.index + 1
    for index, line in enumerate(lines[end : end + TOP], end):
        if _belongs_to_head(line.text, heading, gazetteer):
            seen = seen or markers(line.text).of_situation
            end = index + 1
        elif seen or not _is_label(line.text):
            break
    unknown = [
        line.text
        for line in (*lines[: heading.index], *lines[heading.index + 1 : end])
        if not _belongs_to_head(line.text, heading, gazetteer) and find_place(line.text, gazetteer) is None
    ]
    return _Head(
        end,
        above=tuple(_only_months_unless_alone(line) for line in lines[: heading.index]),
        below=(named, *(_only_months_unless_alone(line) for line in lines[heading.index + 1 : end])),
        unknown=tuple(unknown),
    )


def _belongs_to_head(text: str, heading: Heading, gazetteer: Gazetteer) -> bool:
    found = markers(text)
    return (
        found.alone
        or is_furniture(text)
        or (bool(found.months) and _is_label(text))
        or find_place(text, gazetteer) == (heading.place, True)
    )


def _only_months_unless_alone(line: Line) -> Markers:
    """In "Improved ferries" is no trend, but in "Tracker, May 2031" is a month."""
    found = markers(line.text)
    return found if found.alone else Markers((), (), found.months if _is_label(line.text) else (), found.rest)


def _is_label(text: str) -> bool:
    return len(text) <= _LABEL and not text.endswith((".", "…"))


def _without_markers(
    lines: Sequence[Line], alerts: list[Alert], doubts: Doubts, *, trends: Sequence[Trend]
) -> list[Line]:
    """The body's lines without the site's; alerts among them are added to `alerts`."""
    kept: list[Line] = []
    gap = False
    for line in lines:
        found = markers(line.text)
        gap = gap or line.gap
        if found.alone and found.trends and trends:
            raise InvalidUpdate(
                f"a second trend, {first_words(line.text)!r}, follows below the headline;"
                " give one place and month at a time"
            )
        if found.alone:
            alerts += found.alerts
            doubts.add(f"{first_words(line.text)!r} stands in the midst of the text, not above the headline")
        elif not is_furniture(line.text):
            kept.append(Line(line.text, gap))
            gap = False
            continue
        gap = True
    return kept


def _month(found: Sequence[Month], asked: Month | None, doubts: Doubts) -> Month:
    if asked is None and not found:
        raise InvalidMonth("the page doesn't say which month it is about; give it with --month YYYY-MM")
    month = asked or found[0]
    others = [other.name for other in found if other != month]
    if others:
        doubts.add(f"the month was taken to be {month.name}, but the page says {', '.join(others)}")
    return month


def _trend(found: Sequence[Trend], doubts: Doubts) -> Trend:
    if not found:
        doubts.add("the page names no trend, so it was taken to be unchanged")
        return Trend.UNCHANGED
    if len(set(found)) > 1:
        doubts.add(f"the page names more than one trend; {found[-1].value}, the one nearest the headline, was taken")
    return found[-1]
