"""Dates and months as English pages write them: 7 Jan 2022, January 7, 2022, 2022-01-07, Nov. 2022."""

from __future__ import annotations

import re
from datetime import date

from newsletter.domain.month import Month

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)[0-9]{2})(?![0-9])"
_START = r"(?<![\w.-])"
_DAY_FORMS = tuple(
    re.compile(_START + form, re.IGNORECASE)
    for form in (
        rf"(?:[a-z]{{3,6}}day,?\s)?{_DAY}\s{_WORD},?\s{_YEAR}",
        rf"(?:[a-z]{{3,6}}day,?\s)?{_WORD}\s{_DAY},?\s{_YEAR}",
        r"(?P<year>(?:19|20)[0-9]{2})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![\w-])",
    )
)
_MONTH_FORMS = tuple(
    re.compile(_START + form, re.IGNORECASE)
    for form in (rf"{_WORD},?\s{_YEAR}", r"(?P<year>(?:19|20)[0-9]{2})-(?P<month>0[1-9]|1[0-2])(?![\w-])")
)
_LONGEST = 40  #: characters of the longest way to write a day


def read_day(text: str) -> date | None:
    """The day that `text` is, if it is nothing else."""
    rest, day = cut_day(text) if len(text) <= _LONGEST else (text, None)
    return None if rest else day


def cut_day(text: str) -> tuple[str, date | None]:
    """`text` without the day that it ends in, and that day."""
    # Only the end is searched, so that a very long line costs no more than a short one.
    start = max(0, len(text) - _LONGEST)
    for form in _DAY_FORMS:
        for match in form.finditer(text, start):
            day = _day(match)
            if match.end() == len(text) and day is not None:
                return text[: match.start()].rstrip(), day
    return text, None


def cut_months(text: str) -> tuple[str, tuple[Month, ...]]:
    """`text` without the months in it, and these. A day is no month: pages tell when they were written, too."""
    days = [position for form in _DAY_FORMS for match in form.finditer(text) for position in range(*match.span())]
    found: list[Month] = []
    for form in _MONTH_FORMS:
        matches = [match for match in form.finditer(text) if match.start() not in days and match.end() - 1 not in days]
        found += [Month(int(match["year"]), _number(match["month"])) for match in matches]
        for match in matches:
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text, tuple(dict.fromkeys(found))


def _day(match: re.Match[str]) -> date | None:
    try:
        return date(int(match["year"]), _number(match["month"]), int(match["day"]))
    except ValueError:
        return None


def _number(month: str) -> int:
    return int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
