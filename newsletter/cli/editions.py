"""The month's edition on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
from sqlalchemy.orm import Session

from newsletter.cli import opening, progress, sending
from newsletter.cli.held import held
from newsletter.cli.noting import note, user
from newsletter.cli.overview import overview
from newsletter.cli.report import report
from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.edition import Contents
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.services import approval, checks, deliveries, digests, editions, subscribers
from newsletter.services.checks import Scales
from newsletter.services.progress import SKIPPED_WORDS, look
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition


def _by() -> str:
    return f"{user()} on the command line"


@click.group()
def edition() -> None:
    """A month's issue: assemble, look, approve, send."""


edition.add_command(overview)
edition.add_command(held)
edition.add_command(report)


@edition.command()
@click.argument("month")
def assemble(month: str) -> None:
    """Make the month's edition out of the updates that are ready; run it again, and nothing doubles."""
    parsed = Month.parse(month)
    with opening.database(opening.settings()) as database, database.writing() as session:
        found = editions.ensure(session, parsed, now=utc_now())
        note(session, "edition.assembled", f"edition {parsed}", now=utc_now())
        _show(found, editions.contents(session, found))


def _show(found: Edition, contents: Contents) -> None:
    click.echo(f"{found.month}: {found.state}, {len(contents.entries)} places")
    if contents.overview:
        click.echo(f"\n{contents.overview}")
    for group, entries in contents.groups():
        click.echo(f"\n{group.heading}")
        for entry in entries:
            change = f" ({entry.change})" if entry.change else ""
            click.echo(f"  {entry.update.trend.sign} {entry.place.name}{change}: {entry.update.headline}")
    if not contents.entries:
        click.echo("No update for this month is ready yet: import some with 'newsletter updates import'.")


@edition.command()
@click.argument("month")
@click.option("--json", "as_json", is_flag=True)
def show(month: str, as_json: bool) -> None:
    """What the edition holds, and how far its sending is."""
    parsed = Month.parse(month)
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = editions.get(session, parsed)
        contents = editions.contents(session, found)
        standing = look(session, found, now=utc_now())
        if as_json:
            held = {"overview": contents.overview, "places": [entry.place.code for entry in contents.entries]}
            click.echo(json.dumps(standing.as_json() | held, indent=2))
            return
        _show(found, contents)
    if standing.count.total:
        click.echo(f"\n{standing.words}\n{standing.line}")
    for reason, number in standing.count.skipped.items():
        if number:
            click.echo(f"skipped: {number:,} {SKIPPED_WORDS[reason]}")
    if standing.count.flagged:
        click.echo(f"{standing.count.flagged:,} readers may have got a second, identical copy")
    for line in progress.notes(standing):
        click.echo(line)


@edition.command()
@click.argument("month")
@click.option("--as", "address", help="As the subscriber with this address gets it.")
@click.option("--places", "codes", help="As somebody who follows these gets it: KZ,SD or all.")
@click.option("--part", type=click.Choice(["html", "text", "eml"]), default="text", show_default=True)
def preview(month: str, address: str | None, codes: str | None, part: str) -> None:
    """The digest as a chosen reader gets it."""
    parsed = Month.parse(month)
    settings = opening.settings()
    with opening.database(settings) as database, database.reading() as session:
        follows, text_only = _chosen(session, address, codes)
        found = editions.get(session, parsed)
        mail = digests.preview(
            session,
            found,
            settings.publication,
            follows=follows,
            address=address,
            text_only=text_only,
            now=utc_now(),
        )
    if part == "html" and text_only:
        raise InvalidInput("this subscriber gets text alone; look at --part text or --part eml")
    click.echo({"html": mail.html, "text": mail.text, "eml": mail.source}[part])


def _chosen(session: Session, address: str | None, codes: str | None) -> tuple[tuple[str, ...], bool]:
    """What the reader follows, and whether they get text alone."""
    if address and codes:
        raise InvalidInput("give --as or --places, not both")
    if address:
        found = subscribers.by_address(session, Address.parse(address).key)
        follows = subjects_.split(found.follows)
        if not follows:
            raise InvalidInput("this subscriber follows nothing, so they get no digest")
        return follows, found.text_only
    return subjects_.parse((codes or subjects_.ALL).split(","), gazetteer()), False


@edition.command()
@click.argument("month")
@click.option("--json", "as_json", is_flag=True)
def check(month: str, as_json: bool) -> None:
    """What stops the edition, or is to be read before it is approved."""
    settings = opening.settings()
    with opening.database(settings) as database, database.reading() as session:
        found = editions.get(session, Month.parse(month))
        checklist = checks.run(session, found, settings.publication, Scales(), now=utc_now())
    if as_json:
        click.echo(json.dumps(checklist.as_json(), indent=2, ensure_ascii=False))
        return
    for group in checklist.groups:
        click.echo(f"{group.check.severity.value}: {group.check.heading}")
        for finding in group.findings:
            click.echo(f"  {finding.words}")
    click.echo(checklist.words)


@edition.command()
@click.argument("month")
def propose(month: str) -> None:
    """Ask somebody else to approve the edition, where APPROVAL takes two."""
    parsed = Month.parse(month)
    with opening.database(opening.settings()) as database, database.writing() as session:
        approval.propose(session, parsed, by=_by(), now=utc_now())
        note(session, "edition.proposed", f"edition {parsed}", now=utc_now())
    click.echo(f"{parsed}: proposed")


@edition.command("take-back")
@click.argument("month")
def take_back(month: str) -> None:
    """Make an approved edition a draft again, as long as it is not being sent."""
    _change(month, "taken_back", lambda session, parsed: approval.take_back(session, parsed, now=utc_now()))


@edition.command()
@click.argument("month")
def approve(month: str) -> None:
    """Compile and freeze the edition: what is approved is what everybody gets. 'check' says what to read first."""
    parsed = Month.parse(month)
    settings = opening.settings()
    with opening.database(settings) as database, database.writing() as session:
        found = approval.approve(session, parsed, settings.publication, by=_by(), now=utc_now(), rule=settings.approval)
        note(session, "edition.approved", f"edition {parsed}", now=utc_now())
        told = deliveries.audience(session, editions.contents(session, found), now=utc_now())
    away = f" {told.paused} have paused their mail." if told.paused else ""
    click.echo(
        f"{parsed}: approved. It would go to {told.readers} readers; {told.skipped} follow nothing that is in it.{away}"
    )


@edition.command()
@click.argument("month")
@click.option("--wait", is_flag=True, help="Stay until nothing is left to send.")
def send(month: str, wait: bool) -> None:
    """Send an approved edition: by a sender or workers that run already, else by this command itself."""
    parsed = Month.parse(month)
    settings = opening.settings()
    with opening.database(settings) as database:
        with database.writing() as session:
            found = deliveries.start(session, parsed, by=_by(), now=utc_now(), terms=settings.terms)
            note(session, "edition.sent", f"edition {parsed}", now=utc_now())
            edition_id, state = found.id, found.state
        if state == EditionState.SENT.value:
            click.echo(f"{parsed}: sent already; {progress.look(database, edition_id).words}")
            return
        sending.send(database, settings, parsed, edition_id, wait=wait)


@edition.command()
@click.argument("month")
def pause(month: str) -> None:
    """Stop sending for a while."""
    why = "Paused on the command line."
    _change(month, "paused", lambda session, parsed: deliveries.pause(session, parsed, note=why))


@edition.command()
@click.argument("month")
def resume(month: str) -> None:
    """Go on with a paused edition."""
    terms = opening.settings().terms
    _change(month, "resumed", lambda session, parsed: deliveries.resume(session, parsed, now=utc_now(), terms=terms))


@edition.command()
@click.argument("month")
@click.confirmation_option(prompt="What is not sent yet will never be. Cancel the edition?")
def cancel(month: str) -> None:
    """Send no more of it, for ever."""
    _change(month, "cancelled", lambda session, parsed: deliveries.cancel(session, parsed, now=utc_now()))


def _change(month: str, done: str, act: Callable[[Session, Month], Edition]) -> None:
    parsed = Month.parse(month)
    with opening.database(opening.settings()) as database, database.writing() as session:
        found = act(session, parsed)
        note(session, f"edition.{done}", f"edition {parsed}", now=utc_now())
        click.echo(f"{parsed}: {found.state}")
