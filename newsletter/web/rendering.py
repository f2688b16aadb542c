"""What the templates may call: dates and numbers in words, safe Markdown, the site's own facts."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Flask, request
from jinja2 import StrictUndefined

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Trend
from newsletter.mail import markup
from newsletter.web.wiring import wiring


def day(value: date) -> str:
    """7 Jan 2022."""
    return f"{value.day} {value:%b} {value.year}"


def moment(value: datetime) -> str:
    """7 Jan 2022, 09:30 in the publication's time zone."""
    local = value.astimezone(wiring().settings.zone)
    return f"{day(local)}, {local:%H:%M} {local:%Z}"


def timestamp(value: datetime) -> str:
    """2022-01-07T08:30:00Z (RFC 3339), for programs."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def number(value: int) -> str:
    """12 345: digits in threes, parted by narrow spaces."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def months_back(month: Month, count: int) -> list[Month]:
    """The `count` months up to this one, the oldest first: those of a strip of trends."""
    found = [month]
    while len(found) < count:
        found.append(found[-1].previous)
    return found[::-1]


def counted(value: int, one: str, many: str | None = None) -> str:
    """1 place, 2 places."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def register(app: Flask) -> None:
    """Set up the templates' environment. Flask escapes what .html templates are given."""
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.trim_blocks = True
    env.lstrip_blocks = True
    env.filters.update(
        day=day, moment=moment, timestamp=timestamp, number=number, counted=counted, markdown=markup.to_html
    )
    env.globals.update(months_back=months_back, Trend=Trend, Alert=Alert)
    app.context_processor(_facts)


def _facts() -> dict[str, object]:
    wired = wiring()
    return {
        "title": wired.settings.title,
        "publication": wired.publication,
        # Absolute addresses come from BASE_URL, never from the Host header.
        "base_url": wired.publication.links.base_url,
        "canonical": wired.publication.links.base_url + request.path,
        "has_inbox": wired.inbox is not None,
        "section": (request.endpoint or "").partition(".")[2].partition("_")[0],
    }
