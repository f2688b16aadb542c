"""A relay, as delivery.probe finds it; where there are several, each is looked at."""

from __future__ import annotations

import re

from newsletter.delivery.access_token import TokenUnavailable
from newsletter.delivery.offers import Offers
from newsletter.delivery.probe import Probed, probe
from newsletter.delivery.settings import Mechanism, RelaySettings
from newsletter.errors import RelayError, RelayRefused
from newsletter.jobs.checkup.finding import Finding, bad, ok, sentence, warn

SMALL_SIZE = 500_000  #: octets: a digest has at most 95 kB of HTML, as much text, and up to a third for its encoding

_AUTHENTICATION = (530, 534, 535, 538)  #: replies about user and password (RFC 4954, 6)


def check(settings: RelaySettings, *, timeout: float) -> Finding:
    """Open a session with the relay, and end it; no message is sent."""
    try:
        found = probe(settings, timeout=timeout)
    except RelayError as error:
        return refused(settings, error)
    return let_in(settings, found)


def refused(settings: RelaySettings, error: RelayError) -> Finding:
    """No session: why, and whose business it is."""
    told = _without_secrets(str(error), settings)
    words = sentence(told if settings.name in told else f"at {settings.name}: {told}")
    has_token = settings.auth is Mechanism.XOAUTH2
    if isinstance(error, TokenUnavailable):
        return bad("relay", words, "Mend whatever renews the access token, or SMTP_TOKEN_FILE.")
    if error.reply_code in _AUTHENTICATION and has_token:
        return bad("relay", words, "Have the token renewed, and see that it is for the user in SMTP_URL.")
    if error.reply_code in _AUTHENTICATION:
        return bad("relay", words, "Mend the user and the password in SMTP_URL.")
    if isinstance(error, RelayRefused):
        return bad("relay", words, "Mend SMTP_URL, or ask whoever runs the relay to let this machine in.")
    return bad(
        "relay", words, "See that host, port and tls in SMTP_URL are right, that it runs, and no firewall is between."
    )


def let_in(settings: RelaySettings, found: Probed) -> Finding:
    """A session: what is offered, and what should be otherwise."""
    words = f"{settings.name} answers: {', '.join(_told(found))}."
    doubts = _doubts(settings, found)
    return warn("relay", words, " ".join(doubts)) if doubts else ok("relay", words)


def _told(found: Probed) -> list[str]:
    offers = found.offers
    told = [found.tls or "no encryption", "logged in" if found.logged_in else "no login"]
    told.append("PIPELINING" if offers.pipelining else "no PIPELINING (slower)")
    told.append(_size(offers))
    told.append("SMTPUTF8" if offers.smtputf8 else "no SMTPUTF8 (addresses beyond ASCII fail)")
    return told


def _size(offers: Offers) -> str:
    if not offers.size:
        return "no SIZE"
    return f"SIZE up to {offers.size_limit / 1_000_000:.1f} MB" if offers.size_limit else "SIZE without a limit"


def _doubts(settings: RelaySettings, found: Probed) -> list[str]:
    doubts = []
    if found.tls_failure is not None:
        why = _without_secrets(str(found.tls_failure), settings)
        doubts.append(f"{sentence(why)} Mend the relay's TLS, or set tls=none in SMTP_URL.")
    elif found.tls is None and not settings.is_loopback:
        doubts.append("Mail goes there in plain text: set tls=required in SMTP_URL.")
    if found.offers.auth and not found.logged_in and not settings.is_loopback:
        doubts.append("It takes logins: if it wants one, put user and password into SMTP_URL.")
    if 0 < found.offers.size_limit < SMALL_SIZE:
        doubts.append(f"Large digests don't fit: have its limit raised to {SMALL_SIZE // 1000} kB or more.")
    return doubts


def _without_secrets(text: str, settings: RelaySettings) -> str:
    for secret in (settings.password, settings.username):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "(hidden)", text) if secret else text
    return text
