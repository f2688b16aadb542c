"""What a refusal of the sender means, in words for an admin, and what to do.

From what the providers publish about their codes (Google: "SMTP errors and codes", "Email sender guidelines";
Microsoft: "Non-delivery reports in Exchange Online", "Outlook.com requirements for high-volume senders"), RFC 7372
(authentication), RFC 4954 (login) and RFC 8689 (TLS).
"""

from typing import Final

from newsletter.delivery.reply import Reply

_AUTHENTICATE: Final = (
    "Sign with DKIM in the domain of SENDER, list the relay in that domain's SPF record, and publish a DMARC record; "
    "'newsletter doctor' shows what is missing."
)
_LOGIN: Final = "Look at user and password in SMTP_URL, and whether the relay lets this machine in."

#: By what follows the class: the same detail under 4 is the gentle form of the one under 5.
_BY_DETAIL: Final = {
    "7.20": f"No DKIM signature passed. {_AUTHENTICATE}",
    "7.21": f"No acceptable DKIM signature passed. {_AUTHENTICATE}",
    "7.22": f"The DKIM signature is not in the author's domain. {_AUTHENTICATE}",
    "7.23": f"SPF fails: the relay is not listed for this domain. {_AUTHENTICATE}",
    "7.24": f"SPF could not be evaluated: the record is faulty. {_AUTHENTICATE}",
    "7.25": "The relay's address has no matching name in DNS. Have its PTR record set, and that name lead back to it.",
    "7.26": f"Neither SPF nor DKIM passes for the domain of SENDER, or DMARC fails. {_AUTHENTICATE}",
    "7.27": f"SPF doesn't pass. {_AUTHENTICATE}",
    "7.28": "Too much mail at once from this relay or domain. Lower RATE or DESTINATION_RATES, and consider WARM_UP.",
    "7.29": "It wants mail over TLS. Turn encryption on where the relay sends on.",
    "7.30": f"DKIM doesn't pass. {_AUTHENTICATE}",
    "7.32": f"The domain in From is not the one that was authenticated. {_AUTHENTICATE}",
    "7.40": f"The domain of SENDER has no DMARC record. {_AUTHENTICATE}",
    "7.509": f"DMARC fails, and this domain's policy asks for rejection. {_AUTHENTICATE}",
    "7.515": f"The domain of SENDER doesn't meet what is asked of senders of much mail. {_AUTHENTICATE}",
    "7.708": "The relay's network is not trusted. Ask the relay's operator, or send by another relay.",
    "1.7": "The address in SENDER is malformed for it.",
    "1.8": "The domain of SENDER can't be found in DNS, or takes no mail itself.",
}
_BANNED: Final = range(606, 650)  #: 5.7.606 to 5.7.649: the relay's address is banned (Microsoft)
_DELIST: Final = (
    "The relay's address is banned there. Ask for its removal, as the reply says, or send by another relay."
)
_GENERIC: Final = "Its policy is against this sender or this message. Follow the link in its words, if there is one."
_LOGIN_CODES: Final = (530, 534, 535, 538)

#: Words that say the same where the code is a general one (550 5.7.1).
_AUTHENTICATION_WORDS: Final = ("spf", "dkim", "dmarc", "authenticat")
_BLOCK_WORDS: Final = ("spamhaus", "blocklist", "blacklist", "block list", "banned", "barracuda", "reputation")


def advise(reply: Reply) -> str:
    """What a refusal means, and what to do about it."""
    detail = (reply.enhanced or "").partition(".")[2]
    if detail in _BY_DETAIL:
        return _BY_DETAIL[detail]
    if _is_banned(detail) or _says(reply, _BLOCK_WORDS):
        return _DELIST
    if reply.code in _LOGIN_CODES:
        return _LOGIN
    return _AUTHENTICATE if _says(reply, _AUTHENTICATION_WORDS) else _GENERIC


def is_about_us(reply: Reply) -> bool:
    """Whether a refusal would meet every reader there, as it is about the sender and not about one message."""
    detail = (reply.enhanced or "").partition(".")[2]
    if detail in _BY_DETAIL or _is_banned(detail) or reply.code in _LOGIN_CODES:
        return True
    return _says(reply, _AUTHENTICATION_WORDS) or _says(reply, _BLOCK_WORDS)


def _is_banned(detail: str) -> bool:
    subject, _, number = detail.partition(".")
    return subject == "7" and number.isdigit() and int(number) in _BANNED


def _says(reply: Reply, words: tuple[str, ...]) -> bool:
    text = reply.text.lower()
    return any(word in text for word in words)
