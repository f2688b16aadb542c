"""Look at every mail with sample data, in a browser or as one of its parts."""

from __future__ import annotations

import json

import click

from newsletter.cli import opening
from newsletter.cli.serving import Server
from newsletter.services.specimens import Specimen, Specimens
from newsletter.web import mails

HOST = "127.0.0.1"  #: for whoever edits templates on this machine, and nobody else

PARTS = ("html", "text", "eml")


@click.command()
@click.argument("mail", required=False)
@click.option("--part", type=click.Choice(PARTS), help="What of MAIL is printed.  [default: text]")
@click.option("--list", "as_list", is_flag=True, help="List the mails with their sizes.")
@click.option("--json", "as_json", is_flag=True, help="The list, or MAIL with all its parts, as JSON.")
@click.option("--port", default=8025, show_default=True, type=click.IntRange(1, 65535), help="Of the page.")
def preview(mail: str | None, part: str | None, as_list: bool, as_json: bool, port: int) -> None:
    """Show every mail with sample data on a page that follows each change of a template, or print MAIL.

    The HTML is printed with its pictures in it; eml is the whole message, as it is sent. Nothing is sent from here.
    """
    if mail and as_list:
        raise click.UsageError("--list lists all mails; leave MAIL out")
    if part and (as_list or as_json or not mail):
        raise click.UsageError("--part is for printing one MAIL, without --list and --json")
    settings = opening.settings()
    if mail:
        _print(Specimens(settings.publication).get(mail), part or "text", as_json=as_json)
    elif as_list or as_json:
        _list(Specimens(settings.publication), as_json=as_json)
    else:
        server = Server(mails.create_app(settings), HOST, port)
        click.echo(f"all mails on http://{HOST}:{port}; stop with Ctrl-C")
        server.run()


def _print(mail: Specimen, part: str, *, as_json: bool) -> None:
    if as_json:
        parts = {"html": mail.html, "text": mail.text, "eml": mail.source.decode()}
        click.echo(json.dumps(_summary(mail) | parts, ensure_ascii=False, indent=2))
    elif part == "eml":
        click.echo(mail.source, nl=False)
    else:
        click.echo(mail.html if part == "html" else mail.text)


def _list(specimens: Specimens, *, as_json: bool) -> None:
    found = [specimens.get(name) for name in specimens.titles]
    if as_json:
        click.echo(json.dumps([_summary(mail) for mail in found], ensure_ascii=False, indent=2))
        return
    click.echo(f"{'mail':18} {'HTML':>7} {'message':>8}  bytes")
    for mail in found:
        click.echo(f"{mail.name:18} {mail.html_bytes:7} {len(mail.source):8}  {mail.title}")


def _summary(mail: Specimen) -> dict[str, object]:
    return {
        "mail": mail.name,
        "title": mail.title,
        "subject": mail.subject,
        "html_bytes": mail.html_bytes,
        "message_bytes": len(mail.source),
    }
