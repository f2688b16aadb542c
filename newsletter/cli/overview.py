"""The editors' words on a month as a whole, printed or set on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from newsletter.cli import opening
from newsletter.cli.noting import note
from newsletter.domain.formats.reading import decode
from newsletter.domain.month import Month
from newsletter.errors import InvalidInput
from newsletter.jobs.sender import utc_now
from newsletter.services import editions


@click.command()
@click.argument("month")
@click.option("--set", "path", metavar="FILE", help="Take the text of this file, in Markdown; - is standard input.")
@click.option("--clear", is_flag=True, help="Take the overview away.")
@click.option("--json", "as_json", is_flag=True)
def overview(month: str, path: str | None, clear: bool, as_json: bool) -> None:
    """Print the overview of an edition, or set it while it is a draft: digests have it after the places."""
    parsed = Month.parse(month)
    if path is not None and clear:
        raise InvalidInput("give --set or --clear, not both")
    if path is not None or clear:
        text = _set(parsed, path)
    else:
        with opening.database(opening.settings()) as database, database.reading() as session:
            found = editions.get(session, parsed)
            text = editions.contents(session, found).overview
    if as_json:
        click.echo(json.dumps({"month": str(parsed), "overview": text}, indent=2))
    elif path is not None or clear:
        click.echo(f"{parsed}: the overview is set" if text else f"{parsed}: it has no overview now")
    elif text:
        click.echo(text)
    else:
        click.echo(
            f"{parsed} has no overview; 'newsletter edition overview {parsed} --set FILE' gives it one", err=True
        )


def _set(month: Month, path: str | None) -> str:
    """The overview as it is kept: the file's text, or none."""
    text = "" if path is None else _text(path)
    with opening.database(opening.settings()) as database, database.writing() as session:
        note(session, "edition.overview", f"edition {month}", now=utc_now())
        return editions.set_overview(session, month, text, now=utc_now()).overview


def _text(path: str) -> str:
    """What is in a file, or on standard input. Raises InvalidInput when it is nothing, or no text."""
    source = "standard input" if path == "-" else path
    data = sys.stdin.buffer.read() if path == "-" else opening.read_bytes(Path(path))
    text = decode(data, source=source)
    if not text.strip():
        raise InvalidInput(f"{source} holds no text; to take the overview away, give --clear")
    return text
