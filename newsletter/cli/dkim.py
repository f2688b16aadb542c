"""Keys to sign mail with, for when the relay doesn't sign."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click

from newsletter.cli import opening
from newsletter.config import PREFIX, Settings
from newsletter.errors import InvalidInput
from newsletter.jobs.checkup.configured import sender_domain
from newsletter.mail.dkim import Algorithm, Key, dns_name, dns_record, zone_line
from newsletter.mail.dkim.key import signing_domain

#: The settings that name a key: its selector, and the file of its private half.
_SETTINGS = {
    Algorithm.RSA: ("DKIM_SELECTOR", "DKIM_KEY"),
    Algorithm.ED25519: ("DKIM_ED25519_SELECTOR", "DKIM_ED25519_KEY"),
}


@dataclass(frozen=True, slots=True)
class _Made:
    """A new key, and where it is."""

    key: Key
    domain: str
    path: Path

    @property
    def settings(self) -> dict[str, str]:
        """What to set, so that mail is signed with it."""
        return dict(zip(_SETTINGS[self.key.algorithm], (self.key.selector, str(self.path)), strict=True))

    def as_json(self) -> str:
        found = {
            "algorithm": self.key.algorithm.value,
            "selector": self.key.selector,
            "domain": self.domain,
            "private_key": str(self.path),
            "dns": {
                "name": dns_name(self.key, self.domain),
                "type": "TXT",
                "value": dns_record(self.key),
                "zone_line": zone_line(self.key, self.domain),
            },
            "settings": self.settings,
        }
        return json.dumps(found, indent=2)

    def as_words(self) -> str:
        lines = [
            f"The private key is in {self.path}. Keep it secret; it is not to be had again.",
            "",
            "1. Publish the public key: in DNS, a TXT record of the name",
            f"   {dns_name(self.key, self.domain)}",
            "   In a web form, its value is this one line, without quotes:",
            f"   {dns_record(self.key)}",
            "   In a zone file, the whole record is this line:",
            f"   {zone_line(self.key, self.domain)}",
            "",
            "2. When DNS shows it, sign with it: set",
            *(f"   {PREFIX}{name}={value}" for name, value in self.settings.items()),
            "   and restart the service.",
        ]
        return "\n".join(lines)


@click.group()
def dkim() -> None:
    """Keys that mail is signed with."""


@dkim.command()
@click.option(
    "--algorithm",
    type=click.Choice([algorithm.value for algorithm in Algorithm]),
    default=Algorithm.RSA.value,
    show_default=True,
    help="Every receiver knows rsa; ed25519 goes beside it, not instead.",
)
@click.option("--selector", required=True, help="The key's name in DNS, such as news1: a new one for each key.")
@click.option("--domain", help="Default: the domain of SENDER, which mail is signed for.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File for the private key; default: dkim-SELECTOR.pem in the instance folder.",
)
@click.option("--json", "as_json", is_flag=True)
def keygen(algorithm: str, selector: str, domain: str | None, out: Path | None, as_json: bool) -> None:
    """Make a key pair: write the private key, and say what to put into DNS and what to set."""
    settings = opening.settings()
    senders = _sender_domain(settings)
    chosen = signing_domain(domain) if domain else senders
    if chosen is None:
        raise InvalidInput("SENDER is not set, so there is no domain to sign for; set it, or name one with --domain")
    if senders not in (None, chosen):
        click.echo(f"note: mail is signed for the domain of SENDER, which is {senders}, not {chosen}", err=True)
    key = Key.generate(selector, Algorithm(algorithm))
    path = out.absolute() if out else settings.instance / f"dkim-{selector}.pem"
    _write_new(path, key.pem())
    made = _Made(key, chosen, path)
    click.echo(made.as_json() if as_json else made.as_words())


def _sender_domain(settings: Settings) -> str | None:
    """Whom mail is signed for; None as long as SENDER is the placeholder."""
    domain = sender_domain(settings)
    return None if domain.endswith(".localdomain") else domain


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read. Raises InvalidInput if there is one: a key that is lost stays lost."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput(
            f"{path} is there already, and a key is never overwritten; choose another selector or --out"
        ) from None
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        path.unlink()
        raise InvalidInput(f"{path} can't be written: {error.strerror}") from None
