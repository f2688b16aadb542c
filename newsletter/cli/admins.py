"""Who may log in."""

from __future__ import annotations

import secrets
import sys

import click

from newsletter.cli import opening
from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.jobs.sender import utc_now
from newsletter.services import admins


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
    parsed = Address.parse(address)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(15)
    with opening.database(opening.settings()) as database, database.writing() as session:
        admins.add(session, parsed, Role(role), password, now=utc_now())
    click.echo(f"{parsed.text} may log in as {role}")
    if not password_stdin:
        click.echo(f"password: {password}")
