"""The head of a page: its place, month, trend and alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletter.domain.formats.webpage.days import cut_months
from newsletter.domain.formats.webpage.lines import Line
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer, Place, fold
from newsletter.domain.update import Alert, Trend

_LONGEST = 150  #: characters; a longer line is a paragraph
TOP = 40  #: lines in which heading and trend are looked for: menus stand before them
_TOP_WITHOUT_TREND = 10
_BELOW_TREND = 3  #: lines; a page may also name the place right below

#: Most lines hold none of these, and need no closer look.
_WORTH_A_LOOK = re.compile(r"[0-9]|unchanged|no change|deteriorat|improv|conflict|resolution", re.IGNORECASE)
_TREND = re.compile(
    r"\b(?:(?:the )?(?:overall )?(?:situation|trend|status)\b[\s:–—-]*)?"
    r"\b(?P<trend>unchanged|no change|deteriorat(?:ed|ing|ion)|improv(?:ed|ing|ement))\b"
    r"(?:[\s:–—-]*\bsituations?\b)?",
    re.IGNORECASE,
)
_ALERT = re.compile(
    r"(?P<no>\bno\s+)?\b(?P<alert>conflict[\s-]+risk(?:[\s-]+alerts?)?|resolution[\s-]+opportunit(?:y|ies))\b"
    r"(?P<none>[\s:–—-]*\b(?:none|no)\b)?",
    re.IGNORECASE,
)
_FILLERS = re.compile(r"and|with|situation|trend|status|overall|outlook|alert|alerts|month|for|the|of")
_TRENDS = {"d": Trend.DETERIORATED, "i": Trend.IMPROVED, "u": Trend.UNCHANGED, "n": Trend.UNCHANGED}
_ALERTS = {"c": Alert.CONFLICT_RISK, "r": Alert.RESOLUTION_OPPORTUNITY}

_PARTS = re.compile(r"\s[-–—/>]\s|\s?[|:›»•·]\s?")
_PARTS_IN_WORDS = re.compile(r"[–—]")  # names hold them, too: India–Pakistan
_EDGES = " \t\u00a0\"'“”‘’.,;:!?|/\\<>›»«•·*#=_()[]{}–—-▶▼▲"
#: After one of these a name may be only the end of another place's name: "South" and "Sudan".
_QUALIFIERS = re.compile(
    r"north|south|east|west|northern|southern|eastern|western|central|new|equatorial|papua|upper|lower"
    r"|greater|democratic|republic"
)


@dataclass(frozen=True, slots=True)
class Markers:
    """What a line says besides text."""

    trends: tuple[Trend, ...]
    alerts: tuple[Alert, ...]
    months: tuple[Month, ...]
    rest: str  #: the line without these

    @property
    def of_situation(self) -> bool:
        """The line holds a trend or alerts, and nothing else but perhaps a month."""
        return not self.rest and bool(self.trends or self.alerts)

    @property
    def alone(self) -> bool:
        """The line holds nothing else."""
        return not self.rest


@dataclass(frozen=True, slots=True)
class Heading:
    """The line that names the page's place."""

    index: int
    place: Place
    sure: bool
    others: tuple[Place, ...] = ()  #: places that other lines name just as clearly


def markers(text: str) -> Markers:
    """Read trend, alerts and months off a line."""
    if len(text) > _LONGEST or not _WORTH_A_LOOK.search(text):
        return Markers((), (), (), text)
    rest, months = cut_months(text)
    trends = tuple(_TRENDS[match["trend"][0].lower()] for match in _TREND.finditer(rest))
    alerts = [match for match in _ALERT.finditer(rest) if not (match["no"] or match["none"])]
    bare = _ALERT.sub(" ", _TREND.sub(" ", rest)).strip(_EDGES)
    if bare == text.strip(_EDGES):
        return Markers((), (), (), text)
    return Markers(
        trends,
        tuple(dict.fromkeys(_ALERTS[match["alert"][0].lower()] for match in alerts)),
        months,
        "" if all(map(_FILLERS.fullmatch, fold(bare).split())) else " ".join(bare.split()),
    )


def find_heading(lines: Sequence[Line], gazetteer: Gazetteer) -> Heading | None:
    """The heading that stands nearest above the trend; without a trend line, the first heading."""
    top = lines[:TOP]
    trends = [index for index, line in enumerate(top) if markers(line.text).of_situation]
    reach = trends[-1] + _BELOW_TREND if trends else _TOP_WITHOUT_TREND
    found = [(index, *hit) for index, line in enumerate(top[:reach]) if (hit := find_place(line.text, gazetteer))]
    sure = [(index, place) for index, place, is_sure in found if is_sure]
    # The first trend line may be in a legend, with the heading below it.
    for trend in trends:
        above = [hit for hit in sure if hit[0] <= trend]
        if above:
            index, place = above[-1]
            return Heading(index, place, True, tuple(dict.fromkeys(other for _, other in above if other != place)))
    if sure:
        return Heading(*sure[0], True)
    return Heading(*found[0]) if found else None


def find_place(text: str, gazetteer: Gazetteer) -> tuple[Place, bool] | None:
    """The place that a line names, and whether it is sure to be the line's subject."""
    rest = markers(text).rest
    if not rest or len(text) > _LONGEST:
        return None
    whole = _named(rest, gazetteer)
    if whole is not None:
        return whole, True
    return (
        _among(_PARTS.split(rest), gazetteer)
        or _at_end(rest.split(), gazetteer)
        or _among(_PARTS_IN_WORDS.split(rest), gazetteer)
        or _within(rest, gazetteer)
    )


def _among(parts: Sequence[str], gazetteer: Gazetteer) -> tuple[Place, bool] | None:
    """The place that one of the parts is, as in "Tracker – Kazakhstan"."""
    places = [place for part in parts if (place := _named(part, gazetteer))]
    return (places[0], len(set(places)) == 1) if places else None


def _at_end(words: Sequence[str], gazetteer: Gazetteer) -> tuple[Place, bool] | None:
    """The longest place name that the words end in, as in "Tracker Kazakhstan"."""
    for start in range(1, len(words)):
        place = _named(" ".join(words[start:]), gazetteer)
        if place is None:
            continue
        before = words[:start]
        is_title = len(before) <= 4 and all(word[0].isupper() or not word[0].isalpha() for word in before)
        return place, is_title and _QUALIFIERS.fullmatch(fold(before[-1])) is None
    return None


def _within(text: str, gazetteer: Gazetteer) -> tuple[Place, bool] | None:
    """The longest place name anywhere in the text: a guess."""
    words = [re.sub(r"[’']s?$", "", word) for word in re.split(r"[\s/|:,;]+", text)]
    for window in _windows(words):
        place = _named(window, gazetteer)
        if place is not None:
            return place, False
    return None


def _windows(words: Sequence[str]) -> Iterator[str]:
    for size in range(min(7, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


def _named(text: str, gazetteer: Gazetteer) -> Place | None:
    """The place of this name. A code or another name in capitals counts only in capitals: "NO", but not "no"."""
    name = text.strip(_EDGES)
    place = gazetteer.find(name) or gazetteer.find(text)
    if place is None:
        return None
    names = (place.name, *place.aliases)
    if fold(name) in {fold(each) for each in names if not each.isupper()}:
        return place
    return place if name in {each.strip(_EDGES) for each in (place.code, *names)} else None
