"""What admins are told of a refusal."""

from __future__ import annotations

import pytest

from newsletter.delivery.advice import advise, is_about_us
from newsletter.delivery.reply import Reply


@pytest.mark.parametrize(
    ("reply", "words", "about_us"),
    [
        (Reply(550, "5.7.26", "unauthenticated"), "Neither SPF nor DKIM passes", True),
        (Reply(421, "4.7.26", "unauthenticated"), "Neither SPF nor DKIM passes", True),
        (Reply(550, "5.7.27", ""), "SPF doesn't pass", True),
        (Reply(550, "5.7.30", ""), "DKIM doesn't pass", True),
        (Reply(550, "5.7.40", ""), "no DMARC record", True),
        (Reply(550, "5.7.25", ""), "PTR record", True),
        (Reply(550, "5.7.28", ""), "Too much mail at once", True),
        (Reply(550, "5.7.515", "Access denied"), "senders of much mail", True),
        (Reply(550, "5.7.509", "Access denied"), "this domain's policy asks for rejection", True),
        (Reply(550, "5.7.606", "Access denied, banned sending IP"), "banned there", True),
        (Reply(550, "5.7.650", "something else"), "policy", False),
        (Reply(554, "5.7.1", "blocked using zen.spamhaus.org"), "banned there", True),
        (Reply(550, "5.7.1", "Message fails DMARC"), "Sign with DKIM", True),
        (Reply(550, "5.7.1", "message looks like spam"), "Its policy is against this sender or this message", False),
        (Reply(535, "5.7.8", "bad credentials"), "user and password", True),
        (Reply(530, None, "log in first"), "user and password", True),
        (Reply(550, "5.1.8", "domain not found"), "can't be found in DNS", True),
        (Reply(550, None, "no"), "Its policy", False),
    ],
)
def test_a_refusal_is_explained(reply, words, about_us):
    assert words in advise(reply)
    assert is_about_us(reply) is about_us
