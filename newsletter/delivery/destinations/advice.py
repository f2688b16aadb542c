"""What a refusal means and what to do about it, in words for an admin.

The codes are those of RFC 3463 and RFC 4954, of RFC 7372 (authentication), RFC 7505 (null MX), RFC 8617 (ARC) and RFC
8689 (REQUIRETLS), and what providers made of them: Gmail's "Gmail SMTP errors and codes" and "Email sender guidelines",
Microsoft's "Email non-delivery reports and SMTP errors in Exchange Online" and "Fix NDR error 550 5.7.515 in
Outlook.com". Where they use one number for different things, the reply's own words decide. What is not known for sure
gets the advice that is always right: to read what it says.
"""

import re
from typing import Final

from newsletter.delivery.reply import Reply

_DOCTOR: Final = "'newsletter doctor' shows what DNS says of it."
_NO_SPF: Final = (
    "SPF fails: the SPF record of the sender's domain must name the servers that the relay sends from. " + _DOCTOR
)
_NO_DKIM: Final = (
    "DKIM fails: let the relay sign with a key of the sender's domain, or set DKIM_SELECTOR and DKIM_KEY, and publish "
    "the key in DNS. " + _DOCTOR
)
_UNAUTHENTICATED: Final = (
    "Mail can't be told to be from the sender's domain: SPF and DKIM fail, or neither is of that domain, as DMARC "
    "asks. " + _DOCTOR
)
_NO_DMARC: Final = "The sender's domain needs a DMARC record with a policy, at first 'v=DMARC1; p=none'. " + _DOCTOR
_NO_PTR: Final = (
    "The relay's IP address needs a PTR record, whose name must lead back to that address: whoever runs the relay sets "
    "it up."
)
_SPAM_RATE: Final = (
    "Too much mail that nobody asked for, they say, from this relay or domain: send more slowly (DESTINATION_RATES, "
    "WARM_UP), and see that all readers have asked for it."
)
_NO_TLS: Final = "It takes mail over TLS only: set the relay up to use STARTTLS when it delivers."
_BANNED: Final = (
    "The relay's IP address is banned: whoever runs the relay has to find out why, and ask for it to be taken off the "
    "list{}."
)
_LOGIN_CODES: Final = (530, 534, 535, 538)
_LOGIN: Final = "The relay wants a login: mend user, password and the way to log in, in SMTP_URL."
_BAD_SENDER: Final = (
    "The sender's address is not taken: the domain in SENDER has to be in DNS, with an MX record, and the relay has to "
    "let us send in its name."
)
_TOO_LARGE: Final = (
    "The message is larger than what it takes: set PICTURES to hosted, or shorten the edition, or raise the limit at "
    "the relay."
)
_FROM: Final = "The From header is not taken: SENDER has to be one name and one address."
_POLICY: Final = (
    "It doesn't take mail like ours, by a rule of its own. Read what it says; if that is not clear, ask the postmaster "
    "there, or whoever runs the relay."
)

#: Words that tell what a code leaves open, in the order in which they count.
_WORDS: Final = (
    (re.compile(r"\bdmarc record\b.*(policy|missing)|have a dmarc record", re.IGNORECASE), _NO_DMARC),
    (re.compile(r"\bdmarc\b|spf or dkim|unauthenticated", re.IGNORECASE), _UNAUTHENTICATED),
    (re.compile(r"\bdkim\b", re.IGNORECASE), _NO_DKIM),
    (re.compile(r"\bspf\b", re.IGNORECASE), _NO_SPF),
    (re.compile(r"\bptr record|reverse dns", re.IGNORECASE), _NO_PTR),
    (re.compile(r"unusual rate|unsolicited|likely spam", re.IGNORECASE), _SPAM_RATE),
    (re.compile(r"spamhaus|spamcop|barracuda|\bdnsbl\b|\brbl\b|blocked using", re.IGNORECASE), _BANNED.format("")),
)

_CODES: Final = {
    "5.1.7": _BAD_SENDER,
    "5.1.8": _BAD_SENDER,
    "5.2.3": _TOO_LARGE,
    "5.3.4": _TOO_LARGE,
    "5.7.8": _LOGIN,  # RFC 4954, 6
    "5.7.20": _NO_DKIM,
    "5.7.21": _NO_DKIM,
    "5.7.22": _NO_DKIM,
    "5.7.23": _NO_SPF,
    "5.7.24": _NO_SPF,
    "5.7.25": _NO_PTR,
    "5.7.26": _UNAUTHENTICATED,
    "5.7.28": _SPAM_RATE,
    "5.7.32": _UNAUTHENTICATED,
    "5.7.40": _NO_DMARC,
    "5.7.501": _SPAM_RATE,
    "5.7.509": "DMARC fails, and the sender's domain asks that such mail be rejected. " + _UNAUTHENTICATED,
    "5.7.511": _BANNED.format(", by a mail to delist@microsoft.com with the reply and the IP address"),
    "5.7.512": _FROM,
    "5.7.515": (
        "Whoever sends as much to Outlook.com and Hotmail needs all three: SPF and DKIM pass, and a DMARC record, with "
        "which one of them agrees. " + _DOCTOR
    ),
    "5.7.705": "Exchange Online, as our relay, has stopped sending for your organisation: see to that with Microsoft.",
    "5.7.708": "Exchange Online, as our relay, takes no mail from this IP address: see to that with Microsoft.",
    "5.7.750": "Exchange Online, as our relay, doesn't know the domain in SENDER: add it there, and confirm it.",
}

#: What Gmail says by numbers that the RFCs gave to something else.
_GMAIL: Final = {"5.7.27": _NO_SPF, "5.7.29": _NO_TLS, "5.7.30": _NO_DKIM, "5.7.23": _NO_PTR}
_FROM_GMAIL: Final = re.compile(r"\bgsmtp\b|gmail|google", re.IGNORECASE)

#: What the RFCs say, where the words tell nothing else.
_OPEN: Final = {
    "5.7.27": "The domain in SENDER says that it takes no mail (RFC 7505): give it an MX record.",
    "5.7.30": "It wants mail over TLS all the way (RFC 8689): ask whoever runs the relay.",
}


def advise(reply: Reply) -> str:
    """What the reply of a relay that refuses us means, and what to do: one sentence or two."""
    code = _permanent(reply.enhanced)
    if reply.code in _LOGIN_CODES:
        return _LOGIN
    if 606 <= _detail_of_policy(code) <= 649:
        return _BANNED.format(", at https://sender.office.com")
    by_code = (_GMAIL.get(code) if _FROM_GMAIL.search(reply.text) else None) or _CODES.get(code)
    by_words = (advice for words, advice in _WORDS if words.search(reply.text))
    return by_code or next(by_words, None) or _OPEN.get(code) or (_TOO_LARGE if reply.code == 552 else _POLICY)


def _permanent(enhanced: str | None) -> str:
    """The code as one of class 5: a temporary refusal for the same reason wants the same remedy."""
    return f"5{enhanced[1:]}" if enhanced else ""


def _detail_of_policy(code: str) -> int:
    """The detail of a 5.7.Y; 0 for any other code."""
    return int(code.removeprefix("5.7.")) if code.startswith("5.7.") else 0
