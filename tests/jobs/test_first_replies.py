"""An edition that begins with too many refusals stops; one that goes well is not bothered."""

from __future__ import annotations

import pytest

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.delivery.reply import Reply
from newsletter.jobs.first_replies import FIRST, FirstReplies

_OUTCOMES = {
    "s": Outcome(1, Verdict.SENT, Reply(250, "2.0.0", "queued")),
    "n": Outcome(2, Verdict.NEVER, Reply(550, "5.1.1", "no such user")),
    "r": Outcome(3, Verdict.REFUSED, Reply(550, "5.7.26", "unauthenticated")),
    "l": Outcome(4, Verdict.LATER, Reply(450, "4.2.1", "busy")),
    "-": Outcome(5, Verdict.LOST, Reply(421, "4.3.0", "closing")),
    "u": Outcome(6, Verdict.UNKNOWN, Reply(299, None, "what?")),
    "N": Outcome(7, Verdict.NEVER),
    "R": Outcome(8, Verdict.REFUSED),
}


def stopped_at(replies, above):
    """After how many outcomes an edition is stopped, and with which words; None if it goes on."""
    first = FirstReplies(above)
    for number, letter in enumerate(replies, 1):
        note = first.note(_OUTCOMES[letter])
        if note is not None:
            return number, note
    return None


@pytest.mark.parametrize(
    ("replies", "above", "stopped"),
    [
        pytest.param("s" * 200, 0.0, None, id="all is well"),
        pytest.param("n", 0.0, 1, id="the first refusal, where none is borne"),
        pytest.param("s" * 99 + "r", 0.0, 100, id="the last that counts"),
        pytest.param("s" * 100 + "r" * 100, 0.0, None, id="later ones don't count"),
        pytest.param("n" * 10 + "s" * 200, 10.0, None, id="as many as are borne"),
        pytest.param("n" * 11, 10.0, 11, id="one more than are borne, straight on"),
        pytest.param("s" * 89 + "n" * 11, 10.0, 100, id="one more, at the end"),
        pytest.param("s" * 90 + "n" * 11, 10.0, None, id="one more, and too late"),
        pytest.param("nr" * 6, 10.0, 11, id="of either kind"),
        pytest.param("l-uNR" * 40 + "n" * 11, 10.0, 211, id="what decides nothing doesn't count"),
        pytest.param("l-uNR" * 40 + "s" * 100 + "n" * 11, 10.0, None, id="neither way"),
        pytest.param("n" * 100, 100.0, None, id="all may be refusals"),
        pytest.param("n" * 3, 2.5, 3, id="parts of a per cent"),
    ],
)
def test_when_an_edition_is_stopped(replies, above, stopped):
    found = stopped_at(replies, above)

    assert (found and found[0]) == stopped


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        pytest.param(Reply(550, "5.7.26", "<ada@example.org> unauthenticated"), "550 5.7.26", id="an enhanced code"),
        pytest.param(Reply(554, None, "go away, ada@example.org"), "554", id="none"),
    ],
)
def test_the_words_tell_how_many_and_the_last_without_its_text(refusal, said):
    first = FirstReplies(1.0)
    assert [first.note(_OUTCOMES[letter]) for letter in "snss"] == [None] * 4

    assert first.note(Outcome(1, Verdict.NEVER, refusal)) == (
        f"2 of the first 5 replies are refusals, the last one: {said}. Look at what failed; when you know why, resume: "
        "then the next replies count anew."
    )


def test_it_is_open_until_the_first_replies_are_in():
    first = FirstReplies(10.0)
    for _ in range(FIRST - 1):
        first.note(_OUTCOMES["s"])
    first.note(_OUTCOMES["l"])
    assert first.is_open
    first.note(_OUTCOMES["s"])
    assert not first.is_open
