"""What replies say of a destination, as a table."""

from __future__ import annotations

import pytest

from newsletter.delivery.destinations.signals import Signal, read
from newsletter.delivery.outcome import Phase, Verdict, classify
from newsletter.delivery.reply import Reply

TAKEN, BUSY, TOO_FAST, DOUBTFUL, REFUSED, OTHER = Signal


@pytest.mark.parametrize(
    ("reply", "signal"),
    [
        # Speed
        (Reply(421, "4.7.28", "Gmail has detected an unusual rate of mail"), TOO_FAST),
        (Reply(450, "4.7.28", "unusual rate of mail"), TOO_FAST),
        (Reply(421, "4.7.0", "[TSS04] Messages temporarily deferred due to unexpected volume"), TOO_FAST),
        (Reply(451, "4.7.500", "Server busy. Please try again later"), TOO_FAST),
        (Reply(451, "4.7.650", "The mail server [192.0.2.1] has been temporarily rate limited"), TOO_FAST),
        (Reply(452, "4.5.3", "Too many recipients"), TOO_FAST),
        (Reply(552, None, "Too many recipients"), TOO_FAST),
        (Reply(450, "4.2.1", "Peak SMTP relay limit exceeded for customer"), TOO_FAST),
        (Reply(450, "4.7.1", "Error: too much mail from 192.0.2.1"), TOO_FAST),
        (Reply(450, None, "too many connections, slow down"), TOO_FAST),
        (Reply(450, "4.2.1", "The user you are trying to contact is receiving mail at a rate that prevents"), BUSY),
        (Reply(450, None, "try again later"), BUSY),
        (Reply(451, "4.7.0", "Try again later"), BUSY),
        (Reply(421, "4.4.5", "Server busy, try again later"), BUSY),
        # Later, for another reason
        (Reply(452, "4.2.2", "Mailbox full, over quota limit"), OTHER),
        (Reply(452, None, "The mailbox is over quota"), OTHER),
        (Reply(450, "4.2.0", "<address>: Recipient address rejected: Greylisted"), OTHER),
        (Reply(450, "4.7.1", "try again in 300 seconds"), OTHER),
        (Reply(451, "4.7.1", "grey-listing in action, rate"), OTHER),
        (Reply(452, "4.3.1", "Insufficient system storage"), OTHER),
        (Reply(451, "4.3.0", "Temporary lookup failure"), OTHER),
        (Reply(450, "4.1.2", "Recipient address rejected: Domain not found"), OTHER),
        (Reply(451, "4.4.1", "connection timed out"), OTHER),
        (Reply(451, "4.5.0", "SMTP protocol violation"), OTHER),
        # Refused for what we are or do
        (Reply(550, "5.7.26", "This mail is unauthenticated"), REFUSED),
        (Reply(451, "4.7.26", "unauthenticated"), REFUSED),
        (Reply(550, "5.7.28", "unusual rate of unsolicited mail"), REFUSED),
        (Reply(550, "5.7.40", ""), REFUSED),
        (Reply(550, "5.7.509", "Access denied, sending domain does not pass DMARC verification"), REFUSED),
        (Reply(550, "5.7.515", "Access denied"), REFUSED),
        (Reply(450, "4.7.515", "Access denied"), REFUSED),
        (Reply(550, "5.7.606", "Access denied, banned sending IP [192.0.2.1]"), REFUSED),
        (Reply(550, "5.7.1", "Message rejected: SPF fail"), REFUSED),
        (Reply(550, "5.7.1", "Unauthenticated email is not accepted due to domain's DMARC policy"), REFUSED),
        (Reply(554, "5.7.1", "Client host [192.0.2.1] blocked using zen.spamhaus.org"), REFUSED),
        (Reply(554, None, "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"), REFUSED),
        (Reply(530, "5.7.0", "log in first"), REFUSED),
        (Reply(535, None, "bad credentials"), REFUSED),
        (Reply(550, "5.1.8", "Sender address rejected: Domain not found"), REFUSED),
        # Refused, and it may be one reader's filter
        (Reply(550, "5.7.1", "This message looks like spam"), DOUBTFUL),
        (Reply(550, "5.7.0", "Local policy violation"), DOUBTFUL),
        (Reply(554, "5.7.9", "Message not accepted for policy reasons"), DOUBTFUL),
        # About one reader, or one company among many at the same provider
        (Reply(550, "5.7.1", "This message violates example.com email policy. - gcdp x - gsmtp"), OTHER),
        (Reply(550, "5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required"), OTHER),
        (Reply(550, "5.7.1", "RESOLVER.RST.AuthRequired; authentication required"), OTHER),
        (Reply(550, "5.7.507", "Access denied, rejected by recipient"), OTHER),
        (Reply(550, "5.7.513", "Client host [192.0.2.1] blocked by company.org using Customer Block list"), OTHER),
        (Reply(550, "5.1.1", "no such user"), OTHER),
        (Reply(550, None, "mailbox is blocked"), OTHER),
        (Reply(552, "5.2.2", "mailbox full"), OTHER),
        (Reply(552, "5.3.4", "message too big"), OTHER),
    ],
    ids=str,
)
def test_what_a_reply_to_rcpt_says(reply, signal):
    assert read(classify(Phase.RCPT, reply), reply) is signal


def test_mail_that_is_taken():
    assert read(Verdict.SENT, Reply(250, "2.0.0", "ok")) is TAKEN
