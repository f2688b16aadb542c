"""Parts of addresses that are more than text."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, IntegerConverter, Map, ValidationError

from newsletter.domain.month import Month
from newsletter.errors import InvalidMonth

LARGEST_ID = 2**31 - 1  #: that a column holds


def read_id(text: str) -> int:
    """A row's number in a query. Raises ValueError for what no row can have."""
    number = int(text)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError("no row has this number")
    return number


class IdConverter(IntegerConverter):
    """A row's number. What no row can have matches no page."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


class MonthConverter(BaseConverter):
    """YYYY-MM. What is no month matches no page."""

    regex = r"\d{4}-\d{2}"

    def to_python(self, value: str) -> Month:
        try:
            return Month.parse(value)
        except InvalidMonth:
            raise ValidationError from None

    def to_url(self, value: Month | str) -> str:
        return str(value)
