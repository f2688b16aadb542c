"""What replies mean, as a table."""

import pytest

from newsletter.delivery.outcome import Phase, Verdict, classify, is_hard_bounce
from newsletter.delivery.reply import ProtocolError, Reply

MAIL, RCPT, DATA, DOT = Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT


@pytest.mark.parametrize(
    ("phase", "reply", "verdict"),
    [
        (DOT, Reply(250, "2.0.0", "Ok: queued as 4F"), Verdict.SENT),
        (DOT, Reply(251), Verdict.SENT),
        (MAIL, Reply(450), Verdict.LATER),
        (RCPT, Reply(450, "4.2.1", "mailbox busy"), Verdict.LATER),
        (RCPT, Reply(451, "4.7.1", "greylisted, try again"), Verdict.LATER),
        (RCPT, Reply(452, "4.2.2", "mailbox full"), Verdict.LATER),
        (RCPT, Reply(452, "4.5.3", "too many recipients"), Verdict.LATER),
        (RCPT, Reply(552, None, "Too many recipients"), Verdict.LATER),
        (RCPT, Reply(552, "5.5.3", "TOO MANY RECIPIENTS, sorry"), Verdict.LATER),
        (DATA, Reply(451), Verdict.LATER),
        (DOT, Reply(452, "4.3.1", "disk full"), Verdict.LATER),
        (MAIL, Reply(550, "5.1.8", "bad sender"), Verdict.REFUSED),
        (MAIL, Reply(550), Verdict.REFUSED),
        (MAIL, Reply(552, "5.3.4", "too large"), Verdict.REFUSED),
        (RCPT, Reply(550, "5.1.1", "no such user"), Verdict.NEVER),
        (RCPT, Reply(550), Verdict.NEVER),
        (RCPT, Reply(552, "5.2.2", "mailbox full"), Verdict.NEVER),
        (RCPT, Reply(550, "5.7.1", "relaying denied"), Verdict.REFUSED),
        (RCPT, Reply(530, "5.7.0", "log in first"), Verdict.REFUSED),
        (RCPT, Reply(530, None, "log in first"), Verdict.REFUSED),
        (RCPT, Reply(451, "4.7.26", "unauthenticated"), Verdict.REFUSED),
        (DATA, Reply(554, "5.5.1", "no"), Verdict.NEVER),
        (DATA, Reply(554, "5.7.1", "policy"), Verdict.REFUSED),
        (DOT, Reply(550, "5.7.26", "unauthenticated"), Verdict.REFUSED),
        (DOT, Reply(550, "5.7.515", "access denied"), Verdict.REFUSED),
        (DOT, Reply(450, "4.7.28", "unusual rate of mail"), Verdict.REFUSED),
        (DOT, Reply(554, "5.6.0", "bad content"), Verdict.NEVER),
        (DOT, Reply(554), Verdict.NEVER),
        *((phase, Reply(421, "4.7.0", "bye"), Verdict.LOST) for phase in Phase),
    ],
)
def test_verdict_for_a_reply(phase, reply, verdict):
    assert classify(phase, reply) is verdict


@pytest.mark.parametrize(("phase", "code"), [(MAIL, 250), (RCPT, 354), (DATA, 250), (DOT, 354), (DOT, 334)])
def test_a_reply_that_decides_nothing_has_no_verdict(phase, code):
    with pytest.raises(ProtocolError):
        classify(phase, Reply(code))


@pytest.mark.parametrize(
    ("enhanced", "hard"),
    [
        ("5.1.1", True), ("5.1.2", True), ("5.1.3", True), ("5.1.6", True), ("5.1.10", True), ("5.2.1", True),
        ("5.2.2", False), ("5.2.3", False), ("5.7.1", False), ("5.1.8", False), ("4.1.1", False), (None, False),
    ],
)  # fmt: skip
def test_which_replies_mean_that_the_address_is_no_good(enhanced, hard):
    assert is_hard_bounce(Reply(550, enhanced, "no such user here")) is hard
