"""A month's edition on the command line: assembled, looked at, approved, sent."""

from __future__ import annotations

import email
import json
from email import policy

import pytest

pytestmark = pytest.mark.usefixtures("sampled")


@pytest.fixture
def readers(run, sampled, tmp_path):
    """Three subscribers, of whom one follows nothing that is in the sample."""
    (tmp_path / "readers.csv").write_text(
        "email,follows,consent,confirmed_at\n"
        "ada@example.org,KZ;SD,x,2022-10-01\nbert@example.org,all,x,2022-10-01\ncleo@example.org,NZ,x,2022-10-01\n"
    )
    assert run("subscribers", "import", "readers.csv").code == 0


@pytest.fixture
def approved(run, readers):
    """November, approved."""
    assert run("edition", "assemble", "2022-11").code == 0
    assert run("edition", "approve", "2022-11").code == 0


@pytest.fixture
def state(run):
    """The state of November's edition."""
    return lambda: json.loads(run("edition", "show", "2022-11", "--json").out)["state"]


def test_an_edition_is_assembled_once_however_often_it_is_asked_for(run):
    first, second = (run("edition", "assemble", "2022-11") for _ in range(2))

    assert (first.code, first.err) == (0, "")
    assert first.out == second.out
    assert first.out.startswith("2022-11: draft, 34 places\n\nAlerts for the month ahead\n  ")
    for heading in ("Deteriorated situations", "Improved situations", "Unchanged situations"):
        assert f"\n{heading}\n" in first.out


def test_a_month_without_updates_makes_an_edition_that_says_so(run):
    assert run("edition", "assemble", "2023-01").out == (
        "2023-01: draft, 0 places\n"
        "No update for this month is ready yet: import some with 'newsletter updates import'.\n"
    )


@pytest.mark.usefixtures("approved")
def test_what_an_edition_is_as_json(run):
    told = json.loads(run("edition", "show", "2022-11", "--json").out)

    assert {"month", "state", "overview", "places", "deliveries", "skipped", "rate", "seconds_left"} < set(told)
    assert (told["month"], told["state"], len(told["places"])) == ("2022-11", "approved", 34)
    assert told["deliveries"] == dict.fromkeys(("pending", "armed", "sent", "deferred", "failed", "skipped", "held"), 0)
    assert (told["flagged"], told["note"]) == (0, None)


@pytest.mark.usefixtures("approved")
def test_an_edition_tells_how_far_it_is(run, catcher):
    run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    shown = run("edition", "show", "2022-11").out

    assert shown.endswith(
        "\n\n2 sent, 1 skipped\n3 of 3 done, 0 deferred, 0 failed\nskipped: 1 follow nothing that is in it\n"
    )
    told = json.loads(run("edition", "show", "2022-11", "--json").out)
    assert (told["total"], told["done"], told["skipped"]["nothing_to_tell"]) == (3, 3, 1)


@pytest.mark.usefixtures("readers")
def test_approving_tells_who_would_get_it(run):
    run("edition", "assemble", "2022-11")

    assert run("edition", "approve", "2022-11").out == (
        "2022-11: approved. It would go to 2 readers; 1 follow nothing that is in it.\n"
    )


@pytest.mark.usefixtures("approved")
def test_approving_twice_is_told(refused, state):
    assert refused("edition", "approve", "2022-11") == (
        "the edition for 2022-11 is approved, and only a draft can be approved"
    )
    assert state() == "approved"


def test_an_edition_without_updates_or_without_an_address_in_its_footer_is_not_approved(run, refused):
    run("edition", "assemble", "2023-01")
    run("edition", "assemble", "2022-11")

    assert "no update for 2023-01 is ready" in refused("edition", "approve", "2023-01")
    assert "set POSTAL_ADDRESS first" in refused("edition", "approve", "2022-11", POSTAL_ADDRESS="")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (["send"], "the edition for 2022-11 is a draft; approve it first"),
        (["send", "--wait"], "the edition for 2022-11 is a draft; approve it first"),
        (["pause"], "the edition for 2022-11 is draft; only one that is being sent can be paused"),
        (["resume"], "the edition for 2022-11 is draft; only a paused one can be resumed"),
    ],
)
def test_what_a_draft_is_not_ready_for(run, refused, state, act, message):
    run("edition", "assemble", "2022-11")

    assert refused("edition", *act, "2022-11") == message
    assert state() == "draft"


@pytest.mark.usefixtures("readers")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--as", "stranger@example.org"], "no subscriber has this address", id="a stranger"),
        pytest.param(["--as", "stranger"], "Enter an e-mail address in the form", id="no address"),
        pytest.param(["--as", "cleo@example.org"], "nothing that this reader follows is in the edition", id="nothing"),
        pytest.param(["--places", "XX"], "'XX' is neither 'all', nor a region, nor a place", id="an unknown place"),
        pytest.param(["--places", ","], "choose all updates, or at least one region or country", id="no place"),
        pytest.param(["--places", "NZ"], "nothing that this reader follows is in the edition", id="a quiet place"),
        pytest.param(["--as", "ada@example.org", "--places", "KZ"], "give --as or --places, not both", id="both"),
    ],
)
def test_a_preview_that_can_not_be_made_is_told(run, refused, words, message):
    run("edition", "assemble", "2022-11")

    assert refused("edition", "preview", "2022-11", *words).startswith(message)


@pytest.mark.usefixtures("readers")
def test_a_reader_who_has_left_gets_no_preview(run, refused):
    run("edition", "assemble", "2022-11")
    run("subscribers", "end", "ada@example.org")

    assert refused("edition", "preview", "2022-11", "--as", "ada@example.org") == (
        "this subscriber follows nothing, so they get no digest"
    )


@pytest.mark.usefixtures("readers")
def test_a_digest_is_shown_as_a_reader_gets_it(run):
    run("edition", "assemble", "2022-11")
    by_address = run("edition", "preview", "2022-11", "--as", "ADA@example.org").out
    by_places = run("edition", "preview", "2022-11", "--places", "SD,KZ").out

    assert by_address == by_places
    assert "Kazakhstan" in by_address
    assert "Ethiopia" not in by_address
    assert "Ethiopia" in run("edition", "preview", "2022-11").out


def test_a_preview_has_three_parts(run):
    run("edition", "assemble", "2022-11")
    html, text, source = (
        run("edition", "preview", "2022-11", "--places", "KZ", "--part", part).out for part in ("html", "text", "eml")
    )

    assert html.lower().startswith("<!doctype html>")
    assert "<html" not in text
    message = email.message_from_string(source, policy=policy.default)
    assert message["Subject"]
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.usefixtures("approved")
def test_an_edition_is_sent_by_the_command_itself(run, catcher, state):
    ran = run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    assert (ran.code, ran.err) == (0, "")
    assert "sending by this command, as no sender is running" in ran.out
    assert ran.out.endswith("2022-11: sent: 2 sent, 1 skipped\n")
    assert state() == "sent"
    assert sorted(mail.rcpt_to for mail in catcher.messages()) == [("ada@example.org",), ("bert@example.org",)]


@pytest.mark.usefixtures("approved")
def test_sending_twice_sends_once(run, catcher):
    run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    ran = run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    assert (ran.code, ran.out) == (0, "2022-11: sent already; 2 sent, 1 skipped\n")
    assert len(catcher.messages()) == 2


@pytest.mark.usefixtures("approved")
def test_an_edition_is_cancelled_and_that_is_the_end(run, refused, state):
    assert run("edition", "cancel", "2022-11", "--yes").out == "2022-11: cancelled\n"
    assert run("edition", "cancel", "2022-11", "--yes").out == "2022-11: cancelled\n"
    assert refused("edition", "send", "2022-11") == "the edition for 2022-11 is cancelled, and can't be sent"
    assert state() == "cancelled"


@pytest.mark.usefixtures("approved")
def test_an_edition_that_is_sent_can_not_be_taken_back(run, refused, catcher):
    run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    assert refused("edition", "cancel", "2022-11", "--yes") == (
        "the edition for 2022-11 is sent, and can't be taken back"
    )


def test_what_stops_and_what_asks_is_told_in_words_and_as_json(run):
    run("edition", "assemble", "2022-11")

    told = run("edition", "check", "2022-11", POSTAL_ADDRESS="").out
    as_json = json.loads(run("edition", "check", "2022-11", "--json", POSTAL_ADDRESS="").out)

    assert told.startswith(
        "error: No postal address\n  Every digest has to name it in its footer: set POSTAL_ADDRESS.\n"
    )
    assert told.endswith("1 error, 1 warning\n")
    assert as_json["errors"] == 1
    assert len(as_json["findings"]) == as_json["errors"] + as_json["warnings"]
    assert as_json["findings"][0]["severity"] == "error"


@pytest.mark.usefixtures("approved")
def test_what_is_approved_is_taken_back_until_it_is_sent(run, refused, state, catcher):
    assert run("edition", "take-back", "2022-11").out == "2022-11: draft\n"
    assert state() == "draft"
    run("edition", "approve", "2022-11")
    run("edition", "send", "2022-11", "--wait", SMTP_URL=catcher.url)

    assert (
        refused("edition", "take-back", "2022-11")
        == "the edition for 2022-11 is sent, and can't be taken back any more"
    )


def test_where_it_takes_two_nobody_approves_alone(run, refused):
    run("edition", "assemble", "2022-11")

    assert "propose 2022-11 first" in refused("edition", "approve", "2022-11", APPROVAL="two")
    assert run("edition", "propose", "2022-11").out == "2022-11: proposed\n"
    assert "somebody else has to approve it" in refused("edition", "approve", "2022-11", APPROVAL="two")
