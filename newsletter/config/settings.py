"""Settings: what can be set, each in one field with what it means beside it.

docs/operations.md lists them, and a test holds the two together.
"""
# ruff: noqa: RUF009 (_setting makes the fields of a dataclass)

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from newsletter.config import identity, requests, sending, values
from newsletter.config.embedding import Origins, origins, show_origins
from newsletter.config.logo import Logo
from newsletter.config.named import blaming
from newsletter.config.requests import Networks
from newsletter.config.sending import Rates
from newsletter.config.signing import KeyFile
from newsletter.delivery.destinations.calendar import QuietHours, WarmUp
from newsletter.delivery.relay_urls import parse_smtp_urls
from newsletter.delivery.settings import Mechanism, RelaySettings, Timeouts, default_helo_name, share_out
from newsletter.delivery.tls import trust
from newsletter.domain.states import OnUnknown
from newsletter.mail import brand
from newsletter.mail.brand import Brand
from newsletter.mail.dkim import Signer
from newsletter.mail.links import Links, Tokens
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.services.approval import Approval
from newsletter.services.deliveries import Terms
from newsletter.services.limits import Caps

TEMPLATES = Path("templates/email")  #: in the instance folder: templates that go before the program's
Value = TypeVar("Value")


class Release(StrEnum):
    """Who lets an edition go out."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class SecondFactor(StrEnum):
    """Whether admins log in with a code besides their password."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class Switch(StrEnum):
    """Whether something is done."""

    ON = "on"
    OFF = "off"


def _setting(read: Callable[[str], object], default: Value, *, show: Callable[[Any], str] = str) -> Value:
    made: Value = field(default=default, metadata={"read": read, "show": show})
    return made


@dataclass(frozen=True)
class Settings:
    """All settings, checked. Names in the environment are in capitals, after NEWSLETTER_."""

    instance: Path  #: the folder of database, secrets and config.toml; the environment alone can set it
    database_url: str = _setting(values.database_url, "", show=values.without_password)  #: default: SQLite, in instance
    smtp_url: str = _setting(values.smtp_url, "smtp://127.0.0.1:25", show=values.without_passwords)  #: the relays
    base_url: str = _setting(values.base_url, "http://127.0.0.1:8000")  #: the only source of links
    title: str = _setting(values.title, "Country Updates")  #: the digest's name
    sender: str = _setting(values.sender, "Country Updates <updates@localhost.localdomain>")  #: the From header
    postal_address: str = _setting(values.words, "", show=values.on_one_line)  #: needed to approve an edition
    accent: str = _setting(brand.read_accent, brand.ACCENT)  #: of links and buttons, on light paper
    accent_dark: str = _setting(brand.read_accent_dark, brand.ACCENT_DARK)  #: on dark paper; else made from accent
    logo: str = _setting(values.text, "")  #: file, from instance; PNG or JPEG
    logo_dark: str = _setting(values.text, "")  #: the same for dark paper
    footer: str = _setting(values.words, "", show=values.on_one_line)  #: words at the end of every mail
    pictures: PictureMode = _setting(values.choice(PictureMode), PictureMode.HOSTED)
    dkim_selector: str = _setting(values.selector, "")  #: where DNS has the public half of the next
    dkim_key: str = _setting(values.text, "")  #: file, from instance; a private key in PEM
    dkim_ed25519_selector: str = _setting(values.selector, "")  #: the same for a second key
    dkim_ed25519_key: str = _setting(values.text, "")
    secret_key: str = _setting(values.secret, "", show=values.mask)  #: signs links; made and kept at the first start
    schedule: str = _setting(values.cron, "0 9 1 * *")  #: when the month past is due: cron, in TIMEZONE
    timezone: str = _setting(values.zone, "UTC")
    release: Release = _setting(values.choice(Release), Release.MANUAL)
    approval: Approval = _setting(values.choice(Approval), Approval.ONE)  #: people that it takes to approve an edition
    release_within: float = _setting(values.number(0, 720), 72.0)  #: hours; later than that, a person decides
    rate: float = _setting(values.number(0, 100_000), 0.0)  #: messages a second, of all senders; 0 is no limit
    connections: int = _setting(values.whole(1, 100), 8)  #: of one sender, open at once
    messages_per_connection: int = _setting(values.whole(0, 100_000), 1000)  #: then a new one; 0 is no limit
    smtp_timeouts: Timeouts = _setting(sending.timeouts, Timeouts(), show=sending.show_timeouts)  #: seconds, by step
    smtp_ca_file: str = _setting(values.text, "")  #: file, from instance; certificates to trust besides the system's
    smtp_token_file: str = _setting(values.text, "")  #: file, from instance; the access token for auth=xoauth2
    helo_name: str = _setting(sending.helo_name, "")  #: for EHLO; default: this machine's full name
    destination_rates: Rates = _setting(sending.rates, (), show=sending.show_rates)  #: destination, and its limit
    mx_lookup: Switch = _setting(values.choice(Switch), Switch.ON)  #: tell large providers by their MX records
    warm_up: WarmUp | None = _setting(sending.warm_up, None, show=sending.show_if_set)  #: of a new sending domain
    quiet_hours: QuietHours | None = _setting(sending.quiet_hours, None, show=sending.show_if_set)  #: in TIMEZONE
    canary: float = _setting(values.number(0, 50), 0.0)  #: per cent of the readers who get an edition first
    canary_wait: float = _setting(values.number(1, 1440), 60.0)  #: minutes until the rest follows
    pause_above: float = _setting(values.number(0, 100), 10.0)  #: per cent of the first replies that are refusals
    deadline: float = _setting(values.number(1, 720), 96.0)  #: hours from an edition's start, for all its readers
    unknown_outcome: OnUnknown = _setting(values.choice(OnUnknown), OnUnknown.RESEND)
    resume_within: float = _setting(values.number(1, 720), 24.0)  #: hours without a sender before a person is asked
    trusted_proxies: Networks = _setting(requests.networks, (), show=requests.show_networks)  #: believed about clients
    signups_per_hour: Caps = _setting(requests.caps, Caps(), show=requests.show_caps)
    time_trap: float = _setting(values.number(0, 60), 2.0)  #: seconds that a person takes for a form; 0 is no trap
    proof_of_work: Switch = _setting(values.choice(Switch), Switch.OFF)  #: asked of browsers by the public forms
    import_largest: int = _setting(values.whole(1, 10_000), 200)  #: megabytes of a list that the desk takes
    embed_origins: Origins = _setting(origins, (), show=show_origins)  #: sites that may show our form in a frame
    second_factor: SecondFactor = _setting(values.choice(SecondFactor), SecondFactor.OPTIONAL)  #: of admins
    oidc_issuer: str = _setting(identity.issuer, "")  #: the provider by which admins may log in
    oidc_client_id: str = _setting(values.text, "")  #: what it knows this site by
    oidc_client_secret: str = _setting(values.text, "", show=values.mask)
    logo_files: Logo | None = field(default=None, repr=False)  #: what logo and logo_dark name
    dkim_files: tuple[KeyFile, ...] = ()  #: what dkim_key and dkim_ed25519_key name
    sources: Mapping[str, str] = field(default_factory=dict)  #: setting -> where its value is from

    def __post_init__(self) -> None:
        """Raises SettingsError for what can only be told from several settings, or from a file that is named."""
        with self._blaming("smtp_url"):
            if not self.smtp_token_file and any(relay.auth is Mechanism.XOAUTH2 for relay in self.relays):
                raise ValueError("auth=xoauth2 takes an access token from a file: name it in SMTP_TOKEN_FILE")
        with self._blaming("smtp_ca_file"):
            if self.smtp_ca_file:
                trust(ssl.create_default_context(), str(self.instance / self.smtp_ca_file))
        with self._blaming("canary_wait"):
            if self.canary and self.canary_wait >= 60 * self.deadline:
                raise ValueError("after so long a wait the DEADLINE has passed; wait less, or give it more hours")

        with self._blaming("oidc_issuer"):
            identity.require_complete(self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)

    def _blaming(self, name: str) -> AbstractContextManager[None]:
        return blaming(name, self.sources.get(name, "default"))

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.secret_key)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def relays(self) -> tuple[RelaySettings, ...]:
        """The relays, with what each may be asked to bear: CONNECTIONS are shared out among them."""
        relays = parse_smtp_urls(self.smtp_url)
        shares = share_out(self.connections, [relay.weight for relay in relays])
        return tuple(
            replace(
                relay,
                connections=connections,
                messages_per_connection=self.messages_per_connection,
                timeouts=self.smtp_timeouts,
                ca_file=self._path(self.smtp_ca_file),
                token_file=self._path(self.smtp_token_file),
                helo_name=self.helo_name or default_helo_name(),
            )
            for relay, connections in zip(relays, shares, strict=True)
        )

    def _path(self, file: str) -> str | None:
        """A file as the settings name it, looked for from the instance folder."""
        return str(self.instance / file) if file else None

    @property
    def terms(self) -> Terms:
        return Terms(timedelta(hours=self.deadline), self.canary)

    @property
    def publication(self) -> Publication:
        name, address = parseaddr(self.sender)
        overrides = self.instance / TEMPLATES
        return Publication(
            title=self.title,
            sender_name=name,
            sender_address=address,
            postal_address=self.postal_address or None,
            links=Links(self.base_url, self.tokens),
            brand=self._brand,
            pictures=self.pictures,
            overrides=overrides if overrides.is_dir() else None,
        )

    @property
    def _brand(self) -> Brand:
        logo = self.logo_files.picture(self.title) if self.logo_files else None
        return Brand(self.accent, self.accent_dark, logo, self.footer)

    @property
    def dkim(self) -> Signer | None:
        """Signs mail in the name of the sender's domain; None where that is left to the relay."""
        keys = [each.load() for each in self.dkim_files]
        return Signer(self.publication.domain, keys) if keys else None

    def table(self) -> list[tuple[str, str, str]]:
        """Name, value and source of each setting, secrets masked."""
        rows = []
        for each in _known().values():
            shown = each.metadata["show"](getattr(self, each.name))
            rows.append((each.name.upper(), shown, self.sources.get(each.name, "default")))
        return [("INSTANCE", str(self.instance), self.sources.get("instance", "default")), *rows]


def _known() -> dict[str, Any]:
    return {each.name: each for each in fields(Settings) if "read" in each.metadata}
