"""What a setting's value may be, and how it may be shown.

A reader takes the text that was given, and gives the value. It raises ValueError, or an error of the family, whose text
says what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from email.utils import parseaddr
from enum import StrEnum
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from newsletter.delivery.relay_urls import parse_smtp_urls
from newsletter.domain.address import Address
from newsletter.errors import InvalidAddress, SettingsError
from newsletter.services.schedule import with_named_weekdays
from newsletter.storage.database import EXAMPLE_URLS, Database

MASK = "********"
SHORTEST_SECRET = 16  #: characters
LONGEST_WORDS = 1000  #: characters of what is repeated in every mail, whose HTML has a budget
LONGEST_TITLE = 60  #: octets


def text(value: str) -> str:
    return value.strip()


def database_url(value: str) -> str:
    try:
        Database(value.strip()).close()  # connects to nothing yet
    except SettingsError:
        raise ValueError(EXAMPLE_URLS) from None
    return value.strip()


def base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", value.strip()):
        raise ValueError("write the site's address, such as https://updates.example.org")
    return value.strip().rstrip("/")


def sender(value: str) -> str:
    name, address = parseaddr(value)
    try:
        Address.parse(address)
    except InvalidAddress:
        raise ValueError('write "Name <address>", such as "Country Updates <updates@example.org>"') from None
    if not name or not value.isprintable() or not value.strip().endswith(f"<{address}>"):
        raise ValueError('write a name, and one address: "Name <address>"')
    if not address.isascii():
        raise ValueError("write its address in ASCII, with a domain such as bücher.example as xn--bcher-kva.example")
    return value.strip()


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("write a time zone's name, such as Europe/Brussels") from None
    return value


def cron(value: str) -> str:
    try:
        CronTrigger.from_crontab(with_named_weekdays(value), timezone="UTC")
    except ValueError:
        raise ValueError('write five cron fields, such as "0 9 1 * *" for 09:00 on the 1st') from None
    return value


def choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    """One of the words of `kind`."""

    def read(value: str) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"write {' or '.join(kind)}") from None

    return read


def number(lowest: float, highest: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not lowest <= number <= highest:
            raise ValueError(f"write a number from {lowest:g} to {highest:g}")
        return number

    return read


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            raise ValueError(f"write a whole number from {lowest} to {highest}")
        return int(value)

    return read


def smtp_url(value: str) -> str:
    parse_smtp_urls(value)
    return value


def without_passwords(value: str) -> str:
    """The URLs of relays as they may be shown."""
    return " ".join(map(without_password, value.split()))


def secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError(
            f"write at least {SHORTEST_SECRET} characters, or leave it out: one is made at the first start"
        )
    return value


def without_password(value: str) -> str:
    """A URL as it may be shown: without its user and password, wherever they stand in it."""
    return re.sub(r"((?:password|passfile)=)[^&]*", rf"\1{MASK}", re.sub(r"(?<=//).*@", f"{MASK}@", value))


def mask(value: str) -> str:
    return MASK if value else ""


def selector(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", value.strip()):
        raise ValueError("write letters, digits and hyphens, such as news1")
    return value.strip()


def title(value: str) -> str:
    """A name that leaves a subject room for the month (mail.news)."""
    found = words(value)
    if "\n" in found:
        raise ValueError("write it in one line")
    if len(found.encode()) > LONGEST_TITLE:
        raise ValueError(f"write at most {LONGEST_TITLE} octets, so that a subject has room for the month")
    return found


def words(value: str) -> str:
    """A few words for readers, in one line or more."""
    lines = [line.rstrip() for line in value.strip().split("\n")]
    if any(unicodedata.category(char) == "Cc" for line in lines for char in line):
        raise ValueError("leave out its control characters, such as tabs")
    if len(value) > LONGEST_WORDS:
        raise ValueError(f"write at most {LONGEST_WORDS:,} characters: it is in every mail")
    return "\n".join(lines)


def on_one_line(value: str) -> str:
    """Words of more lines than one as a table shows them."""
    return " / ".join(value.splitlines())
