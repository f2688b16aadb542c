"""What admins are told of a refusal."""

from __future__ import annotations

import pytest

from newsletter.delivery.destinations.advice import advise
from newsletter.delivery.reply import Reply

UNAUTHENTICATED = "SPF and DKIM fail, or neither is of that domain"
SPF = "the SPF record of the sender's domain must name the servers"
DKIM = "let the relay sign with a key of the sender's domain"
DMARC = "needs a DMARC record"
PTR = "needs a PTR record"
BANNED = "IP address is banned"
SPAM = "Too much mail that nobody asked for"
POLICY = "by a rule of its own"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(550, "5.7.26", "This mail is unauthenticated"), UNAUTHENTICATED),
        (Reply(451, "4.7.26", "unauthenticated"), UNAUTHENTICATED),
        (Reply(550, "5.7.27", "Gmail requires all bulk senders to authenticate with SPF - gsmtp"), SPF),
        (Reply(550, "5.7.27", "Sender address has null MX"), "takes no mail (RFC 7505)"),
        (Reply(550, "5.7.30", "Gmail requires all large senders to authenticate with DKIM"), DKIM),
        (Reply(550, "5.7.30", "REQUIRETLS support required"), "TLS all the way (RFC 8689)"),
        (Reply(550, "5.7.29", "wasn't sent over a TLS connection - gsmtp"), "over TLS only"),
        (Reply(550, "5.7.29", "ARC validation failure"), POLICY),
        (Reply(550, "5.7.40", "the sending domain doesn't have a DMARC record"), DMARC),
        (Reply(550, "5.7.25", "no PTR record"), PTR),
        (Reply(450, "4.7.25", "reverse DNS validation failed"), PTR),
        (Reply(421, "4.7.23", "The sending IP address doesn't have a PTR record - gsmtp"), PTR),
        (Reply(550, "5.7.23", "rejected because of Sender Policy Framework violation"), SPF),
        (Reply(550, "5.7.28", "unusual rate of unsolicited mail"), SPAM),
        (Reply(550, "5.7.32", "From: header isn't aligned"), UNAUTHENTICATED),
        (Reply(550, "5.7.515", "Access denied, sending domain"), "SPF and DKIM pass, and a DMARC record"),
        (Reply(550, "5.7.509", "Access denied"), "asks that such mail be rejected"),
        (Reply(550, "5.7.606", "Access denied, banned sending IP [192.0.2.1]"), "at https://sender.office.com"),
        (Reply(550, "5.7.649", ""), BANNED),
        (Reply(550, "5.7.650", ""), POLICY),
        (Reply(550, "5.7.511", "Access denied, banned sender"), "by a mail to delist@microsoft.com"),
        (Reply(550, "5.7.708", "traffic not accepted from this IP"), "Exchange Online, as our relay"),
        (Reply(550, "5.7.1", "message is likely unsolicited mail - gsmtp"), SPAM),
        (Reply(550, "5.7.1", "Unauthenticated email is not accepted due to domain's DMARC policy"), UNAUTHENTICATED),
        (Reply(550, "5.7.1", "SPF fail - not authorized"), SPF),
        (Reply(550, "5.7.1", "DKIM signature is not valid"), DKIM),
        (Reply(554, "5.7.1", "Client host [192.0.2.1] blocked using zen.spamhaus.org"), BANNED),
        (Reply(554, None, "blocked using zen.spamhaus.org"), BANNED),
        (Reply(550, "5.7.1", "message looks odd"), POLICY),
        (Reply(550, None, "no"), POLICY),
        (Reply(535, "5.7.8", "bad credentials"), "The relay wants a login"),
        (Reply(530, None, "log in first"), "The relay wants a login"),
        (Reply(538, None, "encryption required"), "The relay wants a login"),
        (Reply(550, "5.1.8", "domain not found"), "The sender's address is not taken"),
        (Reply(553, "5.1.7", "bad address syntax"), "The sender's address is not taken"),
        (Reply(552, "5.3.4", "message too big"), "larger than what it takes"),
        (Reply(552, None, "size limit"), "larger than what it takes"),
    ],
    ids=str,
)
def test_a_refusal_is_explained(reply, words):
    told = advise(reply)

    assert words in told
    assert told.endswith(".")
    assert told.isprintable()
