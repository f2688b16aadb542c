"""Who may log in."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import datetime

import click
from sqlalchemy.orm import Session

from newsletter.cli import opening
from newsletter.cli.noting import note
from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.errors import Conflict, NotFound
from newsletter.jobs.sender import utc_now
from newsletter.services import admins, passwords, second_factor
from newsletter.storage.tables import Admin


@click.group()
def admin() -> None:
    """The people who log in at the desk."""


@admin.command()
@click.argument("address")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and shown."
)
def add(address: str, role: str, password_stdin: bool) -> None:
    """Let a person log in."""
    parsed, now = Address.parse(address), utc_now()
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(15)
    with opening.database(opening.settings()) as database, database.writing() as session:
        added = admins.add(session, parsed, Role(role), password, now=now)
        _note(session, "admin.added", added, f"{added.address} as {role}", now=now)
    click.echo(f"{parsed.text} may log in as {role}")
    if not password_stdin:
        click.echo(f"password: {password}")


@admin.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Everybody, with role and state."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        found = [_facts(each) for each in admins.everybody(session)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        factor = ", second factor" if each["second_factor"] else ""
        click.echo(f"{each['address']}: {each['role']}, {each['state']}{factor}")
    if not found:
        click.echo("Nobody so far: add somebody with 'newsletter admin add ADDRESS --role owner'.")


@admin.command()
@click.argument("address")
def close(address: str) -> None:
    """Let a person log in no more, and end their logins."""
    now = utc_now()
    with opening.database(opening.settings()) as database, database.writing() as session:
        closed = admins.close(session, _named(session, address).id, by=None, now=now)
        _note(session, "admin.closed", closed, now=now)
    click.echo(f"{closed.address} may log in no more")


@admin.command()
@click.argument("address")
@click.option("--second-factor", "drops_factor", is_flag=True, help="Also let them in without a code.")
def reset(address: str, drops_factor: bool) -> None:
    """Make a new password for a person, and show it; it ends their logins, and opens a locked account.

    Nothing is mailed: it also helps where mail is what doesn't work.
    """
    password, now = secrets.token_urlsafe(15), utc_now()
    with opening.database(opening.settings()) as database, database.writing() as session:
        found = admins.locked(session, _named(session, address).id)
        if found.closed_at is not None:
            raise Conflict("this person may not log in; an owner can open the account again at the desk")
        admins.set_password(session, found, passwords.hashed(password))
        if drops_factor:
            second_factor.switch_off(session, found)
        _note(session, "password.reset", found, "and the second factor" if drops_factor else "", now=now)
    click.echo(f"{found.address} logs in anew\npassword: {password}")


def _named(session: Session, address: str) -> Admin:
    found = admins.by_address(session, address)
    if found is None:
        raise NotFound("no admin has this address; see 'newsletter admin list'")
    return found


def _facts(each: Admin) -> dict[str, object]:
    return {
        "id": each.id,
        "address": each.address,
        "role": each.role,
        "state": admins.state(each).value,
        "second_factor": second_factor.is_on(each),
        "created_at": each.created_at.isoformat(),
        "closed_at": each.closed_at.isoformat() if each.closed_at else None,
    }


def _note(session: Session, act: str, subject: Admin, detail: str = "", *, now: datetime) -> None:
    note(session, act, f"admin {subject.id}", detail, now=now)
