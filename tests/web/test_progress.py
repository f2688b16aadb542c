"""An edition on its way, as the desk shows it and as programs get it; what is held, and what is decided on it."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from newsletter.cli.serving import WEB_THREADS
from newsletter.domain.role import Role
from newsletter.domain.states import DeliveryState
from newsletter.services import deliveries, editions, progress
from newsletter.storage.tables import Delivery, Destination
from newsletter.web.desk.watching import MOST_STREAMS, Streams
from tests.readers import count_states
from tests.web.conftest import NOVEMBER, START, dump

PAGE = "/admin/editions/2022-11"


@pytest.fixture
def sending(database, sign_up, approved):
    """November, being sent to ten readers."""
    for number in range(10):
        sign_up(f"reader{number}@example.org", ("all",))
    with database.writing() as session:
        return deliveries.start(session, NOVEMBER, by="owner@example.org", now=START).id


@pytest.fixture
def settle(database, sending):
    """Let so many deliveries be in each state, the others pending."""

    def act(**numbers):
        with database.writing() as session:
            rows = session.query(Delivery).order_by(Delivery.subscriber_id).all()
            states = [state for state, number in numbers.items() for _ in range(number)]
            for row, state in zip(rows, states, strict=False):
                row.state, row.changed_at = state, int(START.timestamp())
                row.detail = {"skipped": "nothing_to_tell", "held": "no reply after the end"}.get(state)

    return act


@pytest.fixture
def edition(database, sending):
    """Change the edition's row."""

    def act(**values):
        with database.writing() as session:
            found = editions.get(session, NOVEMBER)
            for name, value in values.items():
                setattr(found, name, value)

    return act


def words(page):
    """A page's text, without tags and with single spaces."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def numbers_of(database):
    with database.reading() as session:
        return count_states(session, editions.get(session, NOVEMBER).id)


def test_programs_get_the_numbers_that_the_page_and_the_command_line_tell(desk_of, database, settle, clock):
    settle(sent=4, skipped=2, failed=1, deferred=1, held=1)
    clock.pass_by(timedelta(seconds=10))

    response = desk_of(Role.AUTHOR).get(f"{PAGE}/progress.json")

    with database.reading() as session:
        standing = progress.look(session, editions.get(session, NOVEMBER), now=clock())
    assert response.json == standing.as_json()
    assert response.json["deliveries"] == {
        "pending": 1, "armed": 0, "sent": 4, "deferred": 1, "failed": 1, "skipped": 2, "held": 1,
    }  # fmt: skip
    assert (response.json["total"], response.json["done"], response.json["left"]) == (10, 7, 2)
    assert (response.json["rate"], response.json["seconds_left"]) == (0.5, 3)
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_programs_without_a_login_get_nothing(client, sending):
    response = client.get(f"{PAGE}/progress.json")

    assert response.status_code == 302
    assert response.location.startswith("/admin/login")


def test_a_month_without_an_edition_has_no_progress(desk_of):
    assert desk_of(Role.AUTHOR).get("/admin/editions/2020-01/progress.json").status_code == 404


def test_the_page_tells_the_rate_the_time_left_and_why_readers_are_skipped(desk_of, settle, clock):
    settle(sent=4, skipped=2, failed=1, deferred=1)
    clock.pass_by(timedelta(seconds=10))

    page = words(desk_of(Role.AUTHOR).get(PAGE).text)

    assert "7 of 10 done, 70 % , 0.5 a second, about 4 s left" in page
    assert "Skipped 2 follow nothing that is in it" in page
    assert "Deadline 5 Dec 2022, 09:00 UTC. Who has not got it by then doesn’t get it any more." in page
    assert "Pending 2 Armed 0 Sent 4 Deferred 1 Failed 1 Skipped 2 Held 0" in page
    assert "not everybody has it in time" not in page


def test_the_page_foresees_a_deadline_that_comes_first(desk_of, settle, edition, clock):
    settle(sent=1)
    edition(deadline_at=START + timedelta(seconds=20))
    clock.pass_by(timedelta(seconds=10))

    assert "At this pace not everybody has it in time." in desk_of(Role.AUTHOR).get(PAGE).text


def test_the_page_tells_of_the_first_wave_and_when_the_rest_follows(desk_of, edition):
    desk = desk_of(Role.AUTHOR)

    edition(first_wave=1)
    assert "First wave It is on its way. The rest waits for it." in words(desk.get(PAGE).text)
    edition(rest_at=START + timedelta(hours=1))
    assert "First wave It is out. The rest follows at 1 Dec 2022, 10:00 UTC." in words(desk.get(PAGE).text)
    edition(first_wave=None)
    assert "First wave" not in desk.get(PAGE).text


def test_the_page_names_destinations_that_are_paused_and_why(desk_of, database, sending):
    now = int(START.timestamp())
    with database.writing() as session:
        session.add(Destination(name="gmail", paused_until=now + 600, pauses=1, note="550 5.7.26 <b>", changed_at=now))
        session.add(Destination(name="yahoo", paused_until=now, pauses=1, note="over", changed_at=now))

    page = desk_of(Role.AUTHOR).get(PAGE).text

    assert "1 paused destination gmail 1 Dec 2022, 09:10 UTC 550 5.7.26 &lt;b&gt;" in re.sub(
        r"Only their readers .* Why ", "", words(page)
    )
    assert "yahoo" not in page


def test_of_very_many_paused_destinations_the_first_are_named(desk_of, database, sending):
    until = int(START.timestamp()) + 600
    with database.writing() as session:
        session.add_all(
            Destination(name=f"d{number:02}.example.org", paused_until=until, pauses=1, note=None, changed_at=1)
            for number in range(23)
        )

    page = words(desk_of(Role.AUTHOR).get(PAGE).text)

    assert "23 paused destinations" in page
    assert "d19.example.org" in page
    assert "d20.example.org" not in page
    assert "And 3 more:" in page


def test_a_page_that_answers_a_button_does_not_refresh_by_itself(desk_of, sending):
    desk = desk_of(Role.SENDER)
    assert 'http-equiv="refresh"' in desk.get(PAGE).text

    page = desk.post(f"{PAGE}/cancel", month="no").text

    assert "Type 2022-11 to confirm" in page
    assert "desk.js" not in page
    assert 'http-equiv="refresh"' not in page


def test_what_is_held_is_told_with_its_reason(desk_of, settle):
    settle(sent=7, held=3)
    desk = desk_of(Role.AUTHOR)

    page = words(desk.get(PAGE).text)

    assert "3 deliveries are held , and wait for a person to decide." in page
    assert "3 held 3: no reply after the end" in page
    assert "A sender decides" in page
    assert "Send again" not in page
    assert "3 held" in words(desk.get("/admin/").text)


def test_what_is_held_is_sent_again_at_the_press_of_a_button(desk_of, settle, database):
    settle(sent=7, held=3)
    desk = desk_of(Role.SENDER)

    assert desk.post(f"{PAGE}/held/send-again").location == PAGE

    assert numbers_of(database)[DeliveryState.PENDING] == 3
    assert "3 deliveries are sent again." in desk.get(PAGE).text
    assert 'id="held"' not in desk.get(PAGE).text


def test_what_is_held_of_an_edition_that_was_sent_is_the_next_thing_to_do(desk_of, settle, edition, database):
    settle(sent=7, skipped=2, held=1)
    edition(state="sent", ended_at=START)
    desk = desk_of(Role.SENDER)
    assert f'class="button" href="{PAGE}#held">Decide on what is held' in desk.get("/admin/").text
    assert "The edition is sent, but for what is held." in desk.get(PAGE).text

    desk.post(f"{PAGE}/held/send-again")

    page = desk.get(PAGE).text
    assert "1 delivery is sent again." in page
    assert "The edition is being sent." in page


def test_to_give_up_has_to_be_confirmed_in_words(desk_of, settle, database):
    settle(sent=7, held=3)
    desk = desk_of(Role.SENDER)
    before = dump(database)

    refused = desk.post(f"{PAGE}/held/give-up", month="2022")

    assert refused.status_code == 400
    assert 'id="give-up-error">Type 2022-11 to confirm' in refused.text
    assert 'id="typed-error"' not in refused.text
    assert dump(database) == before

    assert desk.post(f"{PAGE}/held/give-up", month="2022-11").location == PAGE
    assert numbers_of(database)[DeliveryState.FAILED] == 3
    assert "3 deliveries are given up." in desk.get(PAGE).text


def test_a_second_press_finds_nothing_held(desk_of, settle):
    settle(held=1)
    desk = desk_of(Role.SENDER)
    desk.post(f"{PAGE}/held/give-up", month="2022-11")
    desk.get(PAGE)

    desk.post(f"{PAGE}/held/give-up", month="2022-11")

    assert "Nothing was held." in desk.get(PAGE).text


def test_what_is_held_of_a_cancelled_edition_can_only_be_given_up(desk_of, settle, edition):
    settle(held=1)
    edition(state="cancelled", ended_at=START)

    page = desk_of(Role.SENDER).get(PAGE).text

    assert "held/give-up" in page
    assert "held/send-again" not in page


def events_of(response):
    """The JSON of a stream's events, until it ends."""
    return [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line.startswith("data: ")]


@pytest.fixture
def streams(app):
    """The application's streams, whose waits take no time; `waits` are how long they would have been."""
    waits = []
    made = Streams(sleep=waits.append, clock=lambda: sum(waits))
    made.waits = waits
    app.extensions["newsletter_streams"] = made
    return made


def test_a_page_is_told_how_far_it_is_as_it_happens(desk_of, settle, streams, clock):
    settle(sent=4, skipped=2)
    desk = desk_of(Role.AUTHOR)
    clock.pass_by(timedelta(seconds=10))

    response = desk.get(f"{PAGE}/events")

    assert (response.mimetype, response.headers["Cache-Control"]) == ("text/event-stream", "no-store")
    assert response.text.startswith("retry: 3000\n\nid: ")
    told = events_of(response)
    assert told[0]["line"] == "6 of 10 done, 60 %"
    assert told[0]["pace"].startswith("0.4 a second, about ")
    assert told[0]["skipped_words"] == "2 follow nothing that is in it"
    assert told[0]["counts"]["sent"] == "4"
    # It lasts a minute, then its browser asks anew: no thread is held for ever.
    assert 50 <= sum(streams.waits) <= 60
    assert len(told) == len(streams.waits) + 1


def test_a_stream_ends_with_the_sending_and_says_so(desk_of, settle, edition, streams):
    settle(sent=10)
    edition(state="paused", note="The relay refuses this sender.")

    told = events_of(desk_of(Role.AUTHOR).get(f"{PAGE}/events"))

    assert [each["state"] for each in told] == ["paused"]
    assert told[0]["note"] == "The relay refuses this sender."
    assert streams.waits == []


@pytest.mark.usefixtures("sending")
def test_streams_never_take_all_of_the_servers_threads(desk_of, streams):
    desk = desk_of(Role.AUTHOR)
    opened = [desk.client.get(f"{PAGE}/events", buffered=False) for _ in range(MOST_STREAMS)]
    assert [response.status_code for response in opened] == [200] * MOST_STREAMS
    assert MOST_STREAMS < WEB_THREADS // 2

    refused = desk.get(f"{PAGE}/events")
    assert (refused.status_code, refused.data) == (204, b"")
    assert desk.get(f"{PAGE}/shown.json").json["line"] == "0 of 10 done, 0 %"

    opened[0].close()
    assert desk.client.get(f"{PAGE}/events", buffered=False).status_code == 200


@pytest.mark.usefixtures("sending")
def test_a_stream_is_for_admins_and_of_an_edition_that_is_there(client, desk_of, streams):
    assert client.get(f"{PAGE}/events").status_code == 302
    assert desk_of(Role.AUTHOR).get("/admin/editions/2020-01/events").status_code == 404


def test_the_rate_is_drawn_from_what_pages_have_seen(desk_of, settle, clock):
    desk = desk_of(Role.AUTHOR)
    assert 'id="rate-drawing" hidden' in desk.get(PAGE).text

    for number in (2, 4, 6):
        settle(sent=number)
        clock.pass_by(timedelta(seconds=4))
        page = desk.get(PAGE).text

    points = re.search(r'points="([^"]+)"', page)[1].split()
    assert len(points) >= 3
    assert points[0].startswith("0.0,")
    assert points[-1].startswith("600.0,")


def test_each_destination_is_told_with_its_part(desk_of, settle):
    settle(sent=5, deferred=2)

    assert "example.org 100 % 50 % 20 % 0 %" in words(desk_of(Role.AUTHOR).get(PAGE).text)
