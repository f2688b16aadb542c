"""Parts of addresses that are more than text."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, ValidationError

from newsletter.domain.month import Month
from newsletter.errors import InvalidMonth


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
