"""When digests may go out at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from newsletter.delivery.destinations.calendar import QuietHours, WarmUp

BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.mark.parametrize(
    ("hours", "now", "over_at"),
    [
        pytest.param("22:00-07:00", "2026-12-01 21:59", None, id="before"),
        pytest.param("22:00-07:00", "2026-12-01 22:00", "2026-12-02 07:00", id="in the evening"),
        pytest.param("22:00-07:00", "2026-12-02 06:59", "2026-12-02 07:00", id="after midnight"),
        pytest.param("22:00-07:00", "2026-12-02 07:00", None, id="just over"),
        pytest.param("12:00-13:30", "2026-12-02 13:00", "2026-12-02 13:30", id="within a day"),
        pytest.param("12:00-13:30", "2026-12-02 11:00", None, id="before noon"),
        pytest.param("22:00-07:00", "2026-10-25 02:30", "2026-10-25 07:00", id="in the night the clocks go back"),
        pytest.param("22:00-02:30", "2026-03-29 01:00", "2026-03-29 02:30", id="an end that the clocks leave out"),
    ],
)
def test_quiet_hours_end_by_the_clock(hours, now, over_at):
    expected = datetime.fromisoformat(over_at).replace(tzinfo=BRUSSELS) if over_at else None

    assert QuietHours.parse(hours).over_at(datetime.fromisoformat(now).replace(tzinfo=BRUSSELS)) == expected


def test_the_zone_of_the_time_tells_the_time_of_day():
    now = datetime(2026, 12, 1, 21, 30, tzinfo=UTC)

    assert QuietHours.parse("22:00-07:00").over_at(now) is None
    assert QuietHours.parse("22:00-07:00").over_at(now.astimezone(BRUSSELS)) is not None


@pytest.mark.parametrize(
    ("day", "limit"),
    [
        (date(2026, 11, 30), 500),
        (date(2026, 12, 1), 500),
        (date(2026, 12, 2), 1000),
        (date(2026, 12, 5), 8000),
        (date(2026, 12, 15), 8_192_000),
        (date(2026, 12, 16), None),
        (date(2030, 1, 1), None),
    ],
)
def test_a_new_domain_sends_twice_as_much_each_day_until_it_is_known(day, limit):
    assert WarmUp.parse("2026-12-01 500").limit(day) == limit


@pytest.mark.parametrize("text", ["22:00-07:00", "2026-12-01 500"])
def test_it_is_shown_as_it_is_written(text):
    kind = QuietHours if "-07" in text else WarmUp

    assert str(kind.parse(text)) == text
