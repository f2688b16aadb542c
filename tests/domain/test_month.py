"""Months as they are written, ordered, and laid into a time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.domain.month import Month
from newsletter.errors import InvalidMonth

months = st.builds(Month, st.integers(1901, 9997), st.integers(1, 12))


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2022-11", Month(2022, 11)),
        (" 2022-01\n", Month(2022, 1)),
        ("1900-01", Month(1900, 1)),
        ("9998-12", Month(9998, 12)),
    ],
)
def test_a_month_is_read(text, month):
    assert Month.parse(text) == month


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("november", id="a word"),
        pytest.param("2022-13", id="a thirteenth month"),
        pytest.param("2022-00", id="a month before the first"),
        pytest.param("1899-12", id="too early"),
        pytest.param("9999-01", id="too late for a month after it"),
        pytest.param("2022-1", id="one digit"),
        pytest.param("22-11", id="a short year"),
        pytest.param("2022-11-01", id="a day"),
        pytest.param("2022/11", id="another sign between"),
        pytest.param("-2022-11", id="a sign before"),
        pytest.param("+022-11", id="a plus for a digit"),
        pytest.param("2022 -11", id="a space inside"),
        pytest.param("2022-11\0", id="a NUL"),
        pytest.param("２０２２-11", id="full-width digits"),
        pytest.param("٢٠٢٢-١١", id="Arabic digits"),
        pytest.param("2022–11", id="a dash"),
        pytest.param("2022-11\n2022-12", id="two lines"),
    ],
)
def test_what_is_no_month_is_refused_in_one_line(text):
    with pytest.raises(InvalidMonth, match="is no month; write it as YYYY-MM, such as 2022-11") as refused:
        Month.parse(text)

    assert str(refused.value).isprintable()


def test_long_input_is_cut_in_the_message():
    with pytest.raises(InvalidMonth) as refused:
        Month.parse("2022-11" * 100_000)

    assert len(str(refused.value)) < 100


@given(months)
def test_what_is_written_is_read(month):
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize(
    ("month", "following"),
    [
        pytest.param(Month(2022, 11), Month(2022, 12), id="within a year"),
        pytest.param(Month(2022, 12), Month(2023, 1), id="across the year's end"),
        pytest.param(Month(1999, 12), Month(2000, 1), id="across the century's end"),
    ],
)
def test_the_month_after_and_the_month_before(month, following):
    assert month.next == following
    assert following.previous == month
    assert month < following


@given(months)
def test_next_and_previous_undo_each_other(month):
    assert month.next.previous == month.previous.next == month
    assert month.previous < month < month.next


def test_months_are_ordered_by_time():
    assert sorted([Month(2023, 1), Month(2022, 2), Month(2022, 11)]) == [
        Month(2022, 2),
        Month(2022, 11),
        Month(2023, 1),
    ]


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (date(2022, 11, 30), Month(2022, 11)),
        (datetime(2022, 12, 1, 0, 0, tzinfo=UTC), Month(2022, 12)),
    ],
)
def test_the_month_of_a_day(day, month):
    assert Month.of(day) == month


def test_a_month_has_a_name():
    assert [Month(2022, number).name for number in (1, 11)] == ["January 2022", "November 2022"]


@pytest.mark.parametrize(
    ("zone", "month", "start", "hours"),
    [
        pytest.param("UTC", Month(2022, 11), "2022-11-01T00:00+00:00", 720, id="no clock change"),
        pytest.param("Europe/Brussels", Month(2022, 3), "2022-02-28T23:00+00:00", 743, id="an hour is left out"),
        pytest.param("Europe/Brussels", Month(2022, 10), "2022-09-30T22:00+00:00", 745, id="an hour comes twice"),
        pytest.param("Asia/Almaty", Month(2022, 11), "2022-10-31T18:00+00:00", 720, id="east of Greenwich"),
        pytest.param("America/New_York", Month(2022, 11), "2022-11-01T04:00+00:00", 721, id="west of Greenwich"),
        pytest.param("Asia/Kathmandu", Month(2022, 1), "2021-12-31T18:15+00:00", 744, id="a quarter of an hour"),
        pytest.param("Pacific/Apia", Month(2011, 12), "2011-12-01T10:00+00:00", 720, id="a day is left out"),
        pytest.param("Asia/Amman", Month(2022, 4), "2022-03-31T21:00+00:00", 720, id="it changed the day before"),
    ],
)
def test_a_month_starts_and_ends_by_the_zones_clock(zone, month, start, hours):
    begins, ends = (each.start(ZoneInfo(zone)).astimezone(UTC) for each in (month, month.next))

    assert begins == datetime.fromisoformat(start)
    assert ends - begins == timedelta(hours=hours)
