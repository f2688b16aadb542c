"""Settings: read once, from NEWSLETTER_* in the environment, else from instance/config.toml, else the default.

Each setting is one field of `Settings`, with what it means beside it; docs/operations.md lists them, and a test holds
the two together. A name that is not there, or a value that can't be used, is an error at start, in one line.
"""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from newsletter.delivery.settings import RelaySettings, parse_smtp_url
from newsletter.domain.address import Address
from newsletter.errors import InvalidAddress, SettingsError
from newsletter.mail.links import Links, Tokens
from newsletter.mail.publication import Publication
from newsletter.services.schedule import with_named_weekdays
from newsletter.storage.database import EXAMPLE_URLS, Database

PREFIX = "NEWSLETTER_"
MASK = "********"
SHORTEST_SECRET = 16  #: characters
Value = TypeVar("Value")


class Release(StrEnum):
    """Who lets an edition go out."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


def _text(value: str) -> str:
    return value.strip()


def _database_url(value: str) -> str:
    try:
        Database(value.strip()).close()  # connects to nothing yet
    except SettingsError:
        raise ValueError(EXAMPLE_URLS) from None
    return value.strip()


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", value.strip()):
        raise ValueError("write the site's address, such as https://updates.example.org")
    return value.strip().rstrip("/")


def _sender(value: str) -> str:
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


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("write a time zone's name, such as Europe/Brussels") from None
    return value


def _cron(value: str) -> str:
    try:
        CronTrigger.from_crontab(with_named_weekdays(value), timezone="UTC")
    except ValueError:
        raise ValueError('write five cron fields, such as "0 9 1 * *" for 09:00 on the 1st') from None
    return value


def _release(value: str) -> Release:
    try:
        return Release(value)
    except ValueError:
        raise ValueError("write manual or automatic") from None


def _number(lowest: float, highest: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not lowest <= number <= highest:
            raise ValueError(f"write a number from {lowest:g} to {highest:g}")
        return number

    return read


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            raise ValueError(f"write a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _smtp_url(value: str) -> str:
    parse_smtp_url(value)
    return value


def _secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError(
            f"write at least {SHORTEST_SECRET} characters, or leave it out: one is made at the first start"
        )
    return value


def _without_password(value: str) -> str:
    """A URL as it may be shown: without its user and password, wherever they stand in it."""
    return re.sub(r"((?:password|passfile)=)[^&]*", rf"\1{MASK}", re.sub(r"(?<=//).*@", f"{MASK}@", value))


def _mask(value: str) -> str:
    return MASK if value else ""


def _setting(read: Callable[[str], Value], default: Value, *, show: Callable[[str], str] = str) -> Value:
    made: Value = field(default=default, metadata={"read": read, "show": show})
    return made


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Names in the environment are in capitals, after NEWSLETTER_."""

    instance: Path  #: the folder of database, secrets and config.toml; the environment alone can set it
    database_url: str = _setting(_database_url, "", show=_without_password)  #: default: SQLite, in the instance folder
    smtp_url: str = _setting(_smtp_url, "smtp://127.0.0.1:25", show=_without_password)  #: the relay
    base_url: str = _setting(_base_url, "http://127.0.0.1:8000")  #: the only source of links
    title: str = _setting(_text, "Country Updates")  #: the digest's name
    sender: str = _setting(_sender, "Country Updates <updates@localhost.localdomain>")  #: the From header
    postal_address: str = _setting(_text, "")  #: in every digest's footer; needed to approve an edition
    secret_key: str = _setting(_secret, "", show=_mask)  #: signs links; made and kept at the first start
    schedule: str = _setting(_cron, "0 9 1 * *")  #: when the month past is due: cron, in TIMEZONE
    timezone: str = _setting(_zone, "UTC")
    release: Release = _setting(_release, Release.MANUAL)
    release_within: float = _setting(_number(0, 720), 72.0)  #: hours; later than that, a person decides
    rate: float = _setting(_number(0, 100_000), 0.0)  #: messages a second; 0 is no limit
    connections: int = _setting(_whole(1, 100), 8)  #: open to the relay at once
    sources: Mapping[str, str] = field(default_factory=dict)  #: setting -> where its value is from

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.secret_key)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def relay(self) -> RelaySettings:
        return replace(parse_smtp_url(self.smtp_url), connections=self.connections, rate=self.rate)

    @property
    def publication(self) -> Publication:
        name, address = parseaddr(self.sender)
        return Publication(
            title=self.title,
            sender_name=name,
            sender_address=address,
            postal_address=self.postal_address or None,
            links=Links(self.base_url, self.tokens),
        )

    def table(self) -> list[tuple[str, str, str]]:
        """Name, value and source of each setting, secrets masked."""
        rows = []
        for each in _known().values():
            shown = each.metadata["show"](str(getattr(self, each.name)))
            rows.append((each.name.upper(), shown, self.sources.get(each.name, "default")))
        return [("INSTANCE", str(self.instance), self.sources.get("instance", "default")), *rows]


def load(environment: Mapping[str, str], **overrides: str) -> Settings:
    """Read the settings; `overrides` (lower-case names) win over all. Makes the instance folder and its secret key.

    Raises SettingsError.
    """
    given = {
        name.removeprefix(PREFIX).lower(): (value, f"environment {name}")
        for name, value in environment.items()
        # The tests' own variables share the prefix.
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
    }
    given |= {name: (value, "command line") for name, value in overrides.items()}
    instance, instance_source = given.pop("instance", ("instance", "default"))
    folder = _folder(Path(instance).absolute())
    merged = _file(folder / "config.toml") | given
    values: dict[str, Any] = {}
    sources = {"instance": instance_source}
    for name, (raw, source) in merged.items():
        values[name] = _read(name, raw, source)
        sources[name] = source
    if not values.get("database_url"):
        values["database_url"] = f"sqlite:///{folder / 'newsletter.db'}"
    if not values.get("secret_key"):
        values["secret_key"] = _kept_secret(folder / "secret_key")
        sources["secret_key"] = str(folder / "secret_key")
    return Settings(instance=folder, sources=sources, **values)


def _known() -> dict[str, Any]:
    return {each.name: each for each in fields(Settings) if "read" in each.metadata}


def _read(name: str, raw: str, source: str) -> object:
    known = _known()
    if name == "instance":
        raise SettingsError(f"{source}: INSTANCE is where this file is looked for; set it in the environment")
    if name not in known:
        raise SettingsError(f"{source}: there is no setting {name.upper()!r}; 'newsletter config' lists them")
    if not raw.strip():
        return known[name].default
    try:
        raw.encode()  # bytes of the environment that are no UTF-8 come as surrogates
        return known[name].metadata["read"](raw)
    except UnicodeEncodeError:
        raise SettingsError(f"{source}: {name.upper()} is no UTF-8 text") from None
    except (ValueError, SettingsError) as error:
        raise SettingsError(f"{source}: {name.upper()} can't be used: {error}") from None


def _file(path: Path) -> dict[str, tuple[str, str]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from None
    found = {}
    for name, value in data.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise SettingsError(f"{path}: {name} is no text and no number")
        found[name.lower()] = (str(value), str(path))
    return found


def _folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold addresses
        probe = path / f".writable-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written ({error.strerror}); make it writable, or name another in NEWSLETTER_INSTANCE"
        ) from None
    return path


def _kept_secret(path: Path) -> str:
    """The secret of this instance; two processes that start at once end up with the same one."""
    try:
        if not path.exists():
            fresh = path.with_name(f".secret_key-{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        kept = path.read_bytes().decode("ascii", errors="replace").strip()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    if len(kept) < SHORTEST_SECRET:
        raise SettingsError(
            f"{path} holds no secret key; put it back from a backup, or delete it and links in old mail end"
        )
    return kept
