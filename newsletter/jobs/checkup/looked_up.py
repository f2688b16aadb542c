"""The sender's domain in DNS. What is asked for is small enough to be a Protocol; dnspython answers it in earnest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from newsletter.errors import NewsletterError
from newsletter.jobs.checkup import mail_records
from newsletter.jobs.checkup.configured import why_not_real
from newsletter.jobs.checkup.finding import Finding, bad, ok, warn

LIFETIME: Final = 3.0  #: seconds for one question, with all its tries


class LookupFailed(NewsletterError):
    """DNS gives no answer, neither yes nor no."""


class Lookup(Protocol):
    """Answers about names."""

    def records(self, name: str, kind: str) -> Sequence[str] | None:
        """The records of a kind (TXT, MX, A, AAAA) at a name; None where there is no such name. Raises LookupFailed.

        TXT: the text, its pieces joined. MX: hosts without the last dot, the preferred first; "." for none (RFC 7505).
        """


class SystemLookup:
    """Asks the servers that this machine is set up to ask, or those of `resolver`."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None, *, lifetime: float = LIFETIME) -> None:
        self._resolver = resolver
        self._lifetime = lifetime

    def records(self, name: str, kind: str) -> Sequence[str] | None:
        try:
            resolver = self._resolver or dns.resolver.Resolver()
            answer = resolver.resolve(
                dns.name.from_text(name), kind, raise_on_no_answer=False, lifetime=self._lifetime, search=False
            )
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(f"DNS gives no answer about {name}") from error
        return [_text(record) for record in sorted(answer.rrset or (), key=_preference)]


def _preference(record: dns.rdata.Rdata) -> int:
    return record.preference if isinstance(record, MX) else 0


def _text(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return record.exchange.to_text(omit_final_dot=True)
    return record.to_text()


def check(domain: str, lookup: Lookup) -> Iterator[Finding]:
    """What receivers see of the sender's domain. Ends at the first question that DNS doesn't answer."""
    unreal = why_not_real(domain)
    if unreal is not None:
        yield ok("DNS", f"Nothing was looked up: {unreal}.")
        return
    try:
        yield from _ask(domain, lookup)
    except LookupFailed as error:
        remedy = "See that this machine has a DNS server that answers, then run this again; --offline leaves it out."
        yield warn("DNS", f"{error}, so SPF, DKIM, DMARC and MX could not all be looked at.", remedy)


def _ask(domain: str, lookup: Lookup) -> Iterator[Finding]:
    texts = lookup.records(domain, "TXT")
    if texts is None:
        yield bad("DNS", f"There is no domain {domain}.", "Mend the address in SENDER, or register its domain.")
        return
    yield mail_records.spf(domain, texts)
    keys = lookup.records(f"_domainkey.{domain}", "TXT")
    yield mail_records.dkim(domain, has_keys=keys is not None)
    yield _dmarc(domain, lookup)
    hosts = lookup.records(domain, "MX") or ()
    has_address = not hosts and any(lookup.records(domain, kind) for kind in ("A", "AAAA"))
    yield mail_records.mx(domain, hosts, has_address=has_address)


def _dmarc(domain: str, lookup: Lookup) -> Finding:
    for name in mail_records.dmarc_names(domain):
        texts = lookup.records(name, "TXT") or ()
        if any(map(mail_records.is_dmarc, texts)):
            return mail_records.dmarc(domain, name, texts)
    return mail_records.dmarc(domain, f"_dmarc.{domain}", ())
