"""Addresses that get nothing."""

from __future__ import annotations

import json

import click

from newsletter.cli import opening
from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.jobs.sender import utc_now
from newsletter.services import suppressions


@click.group()
def suppression() -> None:
    """Addresses that get nothing: they bounced, complained, were erased, or an admin has said so."""


@suppression.command()
@click.argument("address")
def add(address: str) -> None:
    """Send nothing to an address any more. Its subscription stays as it is."""
    parsed = Address.parse(address)
    settings = opening.settings()
    with opening.database(settings) as database, database.writing() as session:
        reason = SuppressionReason.BY_ADMIN
        is_new = suppressions.suppress(session, parsed.key, reason, tokens=settings.tokens, now=utc_now())
    click.echo("nothing goes to this address any more" if is_new else "this address is suppressed already")


@suppression.command()
@click.argument("address")
def lift(address: str) -> None:
    """Let mail go to an address again, when its owner has asked for it."""
    parsed = Address.parse(address)
    settings = opening.settings()
    with opening.database(settings) as database, database.writing() as session:
        reason = suppressions.lift(session, parsed.key, tokens=settings.tokens)
    click.echo(f"lifted ({_words(reason.value)}): its owner can subscribe by the form again")


@suppression.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Show why and since when; an address is kept as a keyed hash, and can't be shown."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = [(each.address_hash, each.reason, each.at) for each in suppressions.listed(session)]
    if as_json:
        rows = [{"address_hash": digest, "reason": reason, "at": at.isoformat()} for digest, reason, at in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for digest, reason, at in found:
        click.echo(f"{at:%Y-%m-%d}  {_words(reason):11}  {digest}")
    if not found:
        click.echo("No address is suppressed.")


def _words(reason: str) -> str:
    return reason.replace("_", " ")
