"""The settings, as they are meant for real use, and who else can read the instance folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config import Release, Settings
from newsletter.delivery.settings import is_loopback
from newsletter.domain.month import Month
from newsletter.errors import TemplateError
from newsletter.jobs.checkup.finding import Finding, bad, ok, warn, when
from newsletter.mail.publication import Publication
from newsletter.services.schedule import Schedule
from newsletter.services.specimens import check_templates

GOOD_SECRET = 32  #: characters: 128 bits, if each is a hexadecimal digit

#: Names that are in no real DNS (RFC 2606, RFC 6761, RFC 6762), and what a machine calls itself.
_NOWHERE = ("localhost", "localdomain", "local", "invalid", "test")
_EXAMPLES = ("example", "example.com", "example.net", "example.org")

_PRIVATE_FILES = ("secret_key", "config.toml", "newsletter.db")


def check(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    """A finding for each setting that can be usable and yet wrong."""
    yield from_address(sender_domain(settings))
    yield links(settings.base_url)
    yield postal_address(settings.postal_address)
    yield secret_key(settings.secret_key, settings.sources.get("secret_key", "default"))
    yield schedule(Schedule(settings.schedule, settings.zone), settings, now=now)
    yield templates(settings.publication)
    yield files(settings)


def sender_domain(settings: Settings) -> str:
    """The domain that mail comes from."""
    return parseaddr(settings.sender)[1].rpartition("@")[2].lower()


def why_not_real(domain: str) -> str | None:
    """Why there is nothing to be found in DNS about a domain; None for one that may be real."""
    if _is_within(domain, _EXAMPLES):
        return f"{domain} is a domain for examples"
    if _is_within(domain, _NOWHERE) or "." not in domain:
        return f"{domain} is no domain of the internet"
    return None


def _is_within(domain: str, tops: tuple[str, ...]) -> bool:
    return any(domain == top or domain.endswith(f".{top}") for top in tops)


def from_address(domain: str) -> Finding:
    """SENDER's domain."""
    why = why_not_real(domain)
    remedy = 'Set SENDER to a name and an address of your own: "Name <address>".'
    if why is None:
        return ok("from address", f"Mail comes from {domain}.")
    if _is_within(domain, _EXAMPLES):
        return warn("from address", f"{why}: good for a trial only.", remedy)
    return bad("from address", f"{why}: relays and readers' servers refuse mail from there.", remedy)


def links(base_url: str) -> Finding:
    """BASE_URL, as a reader's mail program would open it."""
    parts = urlsplit(base_url)
    remedy = "Set BASE_URL to the site's address, such as https://updates.example.org."
    if is_loopback(parts.hostname or ""):
        return warn("links", f"Links in mails lead to {base_url}, which is this machine only.", remedy)
    if parts.scheme == "http":
        return warn(
            "links",
            f"Links in mails lead to {base_url}, without encryption; mail programs offer no one-click unsubscribing.",
            "Put a proxy with TLS in front of the service, and begin BASE_URL with https://.",
        )
    return ok("links", f"Links in mails lead to {base_url}.")


def postal_address(address: str) -> Finding:
    """POSTAL_ADDRESS."""
    if address:
        return ok("postal address", "Every digest's footer has one.")
    return bad(
        "postal address",
        "There is none for the footer, so no edition can be approved.",
        "Set POSTAL_ADDRESS to the publisher's name and postal address.",
    )


def secret_key(key: str, source: str) -> Finding:
    """SECRET_KEY: never shown, only where it is from."""
    if len(key) < GOOD_SECRET:
        return warn(
            "secret key",
            f"It is only {len(key)} characters long (from {source}).",
            f"Make one of {GOOD_SECRET} random characters or more, best before the first mail: a new one ends all "
            "links in mails that are out.",
        )
    return ok("secret key", f"It is long enough (from {source}); keep it with your backups.")


def schedule(due: Schedule, settings: Settings, *, now: datetime) -> Finding:
    """SCHEDULE, by what it means for this month's edition."""
    month = Month.of(now.astimezone(settings.zone))
    at = due.due_at(month)
    if at is None:
        return warn(
            "schedule",
            f"SCHEDULE ({settings.schedule}) names no time in the month after {month}, so its edition is never due.",
            'Set it to a day that each month has, such as "0 9 1 * *" for 09:00 on the 1st.',
        )
    release = "goes out by itself" if settings.release is Release.AUTOMATIC else "waits for a person"
    return ok("schedule", f"The edition of {month} is due {when(at)}, and then {release}.")


def templates(publication: Publication) -> Finding:
    """The mails' templates: the program's own and those that go before them."""
    try:
        check_templates(publication)
    except TemplateError as error:
        return bad("templates", f"A mail can't be made: {error}.", "Mend the file, or take it away.")
    return ok("templates", "Every mail can be made by its template.")


def files(settings: Settings) -> Finding:
    """Who else on this machine can read what is to stay private, and whether it is ours."""
    folder = settings.instance
    private = [*_PRIVATE_FILES, *(name for name in (settings.dkim_key, settings.dkim_ed25519_key) if name)]
    remedy = "Run 'chmod 700' on the folder and 'chmod 600' on the files in it."
    readable = [name for name in private if _is_open_to_all(folder, folder / name)]
    if readable:
        return warn("files", f"Any user of this machine can read {' and '.join(readable)} in {folder}.", remedy)
    if folder.stat().st_uid != os.geteuid():
        return warn(
            "files",
            f"{folder} belongs to another user than the one who asks.",
            "Run commands as the service's user, or files come to belong to the wrong one.",
        )
    return ok("files", f"Nobody else can read what is private in {folder}.")


def _is_open_to_all(folder: Path, path: Path) -> bool:
    try:
        is_readable = bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
    return is_readable and bool(folder.stat().st_mode & stat.S_IXOTH)
