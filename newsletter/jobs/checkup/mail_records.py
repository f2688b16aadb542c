"""From what DNS says about the sender's domain to what an editor should know. No I/O: texts in, findings out.

SPF is RFC 7208, DKIM RFC 6376, DMARC RFC 7489, MX RFC 5321, 5.1 and RFC 7505.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from newsletter.jobs.checkup.finding import Finding, bad, ok, warn

MOST_SPF_LOOKUPS = 10  #: RFC 7208, 4.6.4

_SPF_LOOKUP = re.compile(r"[+?~-]?(?:include:|exists:|(?:a|mx|ptr)(?:[:/]|$))|redirect=")
_DKIM_TEST = "send yourself a digest and look in its source for dkim=pass with your domain"
_POLICIES = ("none", "quarantine", "reject")


def spf(domain: str, texts: Sequence[str]) -> Finding:
    """Which machines may send in the domain's name, by its TXT records."""
    records = [text for text in texts if re.match(r"v=spf1(?: |$)", text, re.IGNORECASE)]
    if not records:
        return warn(
            "SPF",
            f"{domain} doesn't say which machines may send its mail.",
            f'Publish a TXT record at {domain}; whoever runs the relay knows which: "v=spf1 include:... -all" for a '
            'provider, "v=spf1 mx -all" for a machine that is an MX of the domain.',
        )
    if len(records) > 1:
        return bad(
            "SPF",
            f"{domain} has {len(records)} SPF records, and with more than one none counts.",
            "Put all terms into one record, and take the others away.",
        )
    return _spf_record(domain, records[0].lower().split()[1:])


def _spf_record(domain: str, terms: Sequence[str]) -> Finding:
    lookups = sum(bool(_SPF_LOOKUP.match(term)) for term in terms)
    if lookups > MOST_SPF_LOOKUPS:
        return bad(
            "SPF",
            f"{domain}'s record needs {lookups} look-ups, and with more than {MOST_SPF_LOOKUPS} it doesn't count.",
            "Take terms away that are not needed, or name addresses (ip4:, ip6:) in their place.",
        )
    ending = next((term for term in terms if re.fullmatch(r"[+?~-]?all", term)), None)
    if ending in ("all", "+all"):
        return bad("SPF", f"{domain} lets anybody send in its name ({ending}).", "Let its SPF record end in -all.")
    if ending in ("-all", "~all"):
        return ok("SPF", f"{domain} says which machines may send its mail ({ending}); the relay must be one of them.")
    if ending is None and any(term.startswith("redirect=") for term in terms):
        return ok("SPF", f"{domain} leaves it to another domain's SPF record; the relay must be in that.")
    return warn(
        "SPF",
        f"{domain}'s record doesn't say what holds for all other machines.",
        "Let it end in -all (or in ~all, while you try it out).",
    )


def dmarc_names(domain: str) -> list[str]:
    """Where a DMARC record may be: at the domain, then at those above it, but for the top (its tree walk)."""
    labels = domain.split(".")
    return [".".join(["_dmarc", *labels[at:]]) for at in range(max(1, len(labels) - 1))]


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is a DMARC record."""
    return re.match(r"v\s*=\s*DMARC1\s*(?:;|$)", text) is not None


def dmarc(domain: str, at: str, texts: Sequence[str]) -> Finding:
    """What receivers shall do with mail that only seems to come from the domain, by the TXT records `at` a name."""
    records = [text for text in texts if is_dmarc(text)]
    if not records:
        return warn(
            "DMARC",
            f"{domain} has no DMARC record, and large providers ask for one.",
            f'Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:postmaster@{domain}", with an '
            "address that takes reports.",
        )
    if len(records) > 1:
        return bad(
            "DMARC",
            f"There are {len(records)} records at {at}, and with more than one none counts.",
            "Leave one of them.",
        )
    tags = _tags(records[0])
    inherited = tags.get("sp") if at != f"_dmarc.{domain}" else None
    policy = (inherited or tags.get("p", "")).lower()
    if policy not in _POLICIES:
        return warn("DMARC", f"The record at {at} says nothing that counts in p=.", f"Write {_words(_POLICIES)} there.")
    if policy == "none":
        advice = "once the reports show only your own mail, p=quarantine keeps forgeries from readers"
        return ok("DMARC", f"There is a record at {at}, which only asks for reports (none); {advice}.")
    return ok("DMARC", f"There is a record at {at}: {policy} what fails; so SPF or DKIM must pass, in {domain}'s name.")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _words(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"


def dkim(domain: str, *, has_keys: bool) -> Finding:
    """Signatures are the relay's business, and a key's name (its selector) only stands in signed mail.

    But where a name exists under _domainkey, that name exists too (RFC 8020), so it is known whether there is any key.
    """
    if not has_keys:
        return warn(
            "DKIM",
            f"No key is published under _domainkey.{domain}, so nothing that is signed for it can be checked.",
            f"Let the relay sign for {domain}, and publish the key that it gives you; then {_DKIM_TEST}.",
        )
    return ok(
        "DKIM", f"There is a key under _domainkey.{domain}. Whether the relay signs by it, a mail shows: {_DKIM_TEST}."
    )


def mx(domain: str, hosts: Sequence[str], *, has_address: bool) -> Finding:
    """Where bounces and answers go, by the domain's MX records; `has_address` is asked for where there are none."""
    remedy = f"Publish an MX record at {domain} that names a server which takes its mail."
    if list(hosts) == ["."]:
        return bad("MX", f"{domain} says that it takes no mail, so many servers refuse mail from it.", remedy)
    if hosts:
        return ok("MX", f"Bounces and answers to {domain} go to {hosts[0]}.")
    if has_address:
        return warn("MX", f"{domain} names no mail server, so bounces go to whatever machine has its address.", remedy)
    return bad("MX", f"{domain} has no mail server, so bounces are lost and many servers refuse mail from it.", remedy)
