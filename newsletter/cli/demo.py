"""The demo: sample data, a local mail catcher with an inbox page, and the whole app. Nothing leaves this machine."""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from newsletter import config
from newsletter.cli import walk
from newsletter.cli.serving import Server, running
from newsletter.cli.updates import add_sample_overviews, store
from newsletter.config import Settings
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.role import Role
from newsletter.jobs.catcher import Catcher
from newsletter.jobs.sender import utc_now
from newsletter.services import admins, deliveries, editions
from newsletter.services.sample import sample_readings
from newsletter.storage import migrating
from newsletter.storage.database import Database
from newsletter.web import create_app

HOST = "127.0.0.1"
ADMIN = "editor@example.org"
SENT_MONTHS = (Month(2022, 9), Month(2022, 10))  #: in the archive when the demo starts
DRAFT_MONTH = Month(2022, 11)  #: waits to be approved and sent


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is set up, and not serving yet."""

    settings: Settings
    database: Database
    catcher: Catcher
    server: Server
    password: str  #: ADMIN's


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--check", is_flag=True, help="Walk the whole job once, without a browser, and exit 0 or 1.")
def demo(port: int, check: bool) -> None:
    """Run everything with sample data and a mail catcher; nothing leaves this machine."""
    with prepared(_free_port() if check else port) as ready:
        if check:
            walk.check(ready.settings, ready.database, ready.catcher, ready.server, DRAFT_MONTH)
            return
        click.echo(_what_to_try(ready))
        ready.server.run()


@contextmanager
def prepared(port: int) -> Iterator[Demo]:
    """A demo on this port, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="newsletter-demo-") as folder, Catcher() as catcher:
        settings = config.load(
            {},
            instance=folder,
            base_url=f"http://{HOST}:{port}",
            smtp_url=catcher.url,
            title="Country Updates",
            sender="Country Updates <updates@example.org>",
            postal_address="Example Foundation, 1 Sample Street, 1000 Exampletown",
            time_trap="0",  # a demonstration may be quicker than a person
        )
        database = Database(settings.database_url)
        password = _fill(database, settings)
        app = create_app(settings, inbox=catcher)
        with running(database, settings, app, HOST, port) as server:
            yield Demo(settings, database, catcher, server, password)
        database.close()


def _fill(database: Database, settings: Settings) -> str:
    """Sample updates, two editions in the archive and a draft, an admin; the admin's password."""
    migrating.upgrade(database)
    password = secrets.token_urlsafe(12)
    now = utc_now()
    with database.writing() as session:
        store(session, sample_readings())
        admins.add(session, Address.parse(ADMIN), Role.OWNER, password, now=now)
        for month in (*SENT_MONTHS, DRAFT_MONTH):
            editions.ensure(session, month, now=now)
        add_sample_overviews(session)
        for month in SENT_MONTHS:
            editions.approve(session, month, settings.publication, by=ADMIN, now=now)
            edition = deliveries.start(session, month, by=ADMIN, now=now)
            deliveries.finish(session, edition, now=now)
    return password


def _what_to_try(ready: Demo) -> str:
    url = ready.settings.base_url
    return f"""
The demo runs, with sample updates for 34 places. No mail leaves this machine. Try this:

  1. Read about a country, and subscribe   {url}/places/KZ
  2. Find the confirmation in the inbox    {url}/inbox
     and press its button
  3. Log in at the desk                    {url}/admin/
     as {ADMIN}, password {ready.password}
  4. Look at November 2022 as any reader gets it, approve it, send it
  5. Read the digest in the inbox, change what you follow, unsubscribe

Stop with Ctrl-C; all of it is forgotten then.
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
