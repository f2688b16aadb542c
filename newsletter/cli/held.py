"""What becomes of deliveries that are held: an admin decides, for all of an edition's."""

from __future__ import annotations

import json

import click

from newsletter.cli import opening
from newsletter.cli.noting import note
from newsletter.domain.month import Month
from newsletter.errors import InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.services import counts, deliveries, editions


@click.command()
@click.argument("month")
@click.option("--send-again", is_flag=True, help="Send them; whoever has got it already gets a second, identical copy.")
@click.option("--give-up", is_flag=True, help="Count them as failed, for ever.")
@click.option("--json", "as_json", is_flag=True)
def held(month: str, send_again: bool, give_up: bool, as_json: bool) -> None:
    """Show which deliveries of an edition are held, or decide on them."""
    parsed = Month.parse(month)
    if send_again and give_up:
        raise InvalidInput("give --send-again or --give-up, not both")
    if not send_again and not give_up:
        _show(parsed, as_json=as_json)
        return
    settings = opening.settings()
    with opening.database(settings) as database, database.writing() as session:
        if send_again:
            number = deliveries.send_held_again(session, parsed, now=utc_now(), terms=settings.terms)
        else:
            number = deliveries.give_up_held(session, parsed, now=utc_now())
        done = "held_sent_again" if send_again else "held_given_up"
        note(session, f"edition.{done}", f"edition {parsed}", f"{number:,} deliveries", now=utc_now())
    if as_json:
        click.echo(json.dumps({"month": str(parsed), "decided": number}, indent=2))
        return
    what = "sent again" if send_again else "given up"
    click.echo(f"{parsed}: {_counted(number)} {what}" if number else f"{parsed}: nothing is held")


def _counted(number: int) -> str:
    return "1 delivery is" if number == 1 else f"{number:,} deliveries are"


def _show(month: Month, *, as_json: bool) -> None:
    with opening.database(opening.settings()) as database, database.reading() as session:
        details = counts.held_details(session, editions.get(session, month).id)
    number = sum(details.values())
    if as_json:
        click.echo(json.dumps({"month": str(month), "held": number, "details": details}, indent=2))
        return
    click.echo(f"{month}: {_counted(number)} held" if number else f"{month}: nothing is held")
    for detail, each in details.items():
        click.echo(f"  {each:,}: {detail}")
    if number:
        click.echo(f"Decide with 'newsletter edition held {month} --send-again' or '--give-up'.")
