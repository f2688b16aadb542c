"""Country updates in and out; the sample data; the list of places."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy.orm import Session

from newsletter.cli import opening
from newsletter.domain.formats.json import to_json
from newsletter.domain.formats.markdown import write_markdown
from newsletter.domain.formats.reading import Reading, decode, read
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.domain.update import Update
from newsletter.errors import InvalidInput, InvalidUpdate
from newsletter.jobs.sender import utc_now
from newsletter.services import editions, editorial
from newsletter.services.editorial import Change
from newsletter.services.sample import sample_overviews, sample_readings
from newsletter.storage.places import gazetteer

_DONE = {Change.ADDED: "new", Change.CHANGED: "changed", Change.SAME: "as it was"}


@click.group()
def updates() -> None:
    """Country updates: a place's month."""


@updates.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--month", help="YYYY-MM, for texts that don't say it.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was read as JSON.")
def import_(paths: Sequence[Path], month: str | None, dry_run: bool, as_json: bool) -> None:
    """Read updates from files or folders: JSON, Markdown with front matter, or the text of a country page."""
    asked = Month.parse(month) if month else None
    readings = [
        reading
        for path in _files(paths)
        for reading in read(
            decode(opening.read_bytes(path), source=str(path)), source=str(path), gazetteer=gazetteer(), month=asked
        )
    ]
    _refuse_doubles(readings)
    with opening.database(opening.settings()) as database:
        if dry_run:
            with database.reading() as session:
                told = [_would(session, reading.update) for reading in readings]
        else:
            with database.writing() as session:
                told = [_DONE[change] for change in store(session, readings)]
    _tell(readings, told, dry_run=dry_run, as_json=as_json)


def _would(session: Session, update: Update) -> str:
    """What storing an update would do; for a change, line by line of its Markdown form."""
    change = editorial.compare(session, update)
    if change is not Change.CHANGED:
        return {Change.ADDED: "would be new", Change.SAME: "as it is"}[change]
    stored = editorial.get(session, update.place, update.month)
    before, after = (write_markdown(each).split("\n") for each in (stored, update))
    return "\n".join(["would change", *difflib.unified_diff(before, after, "stored", "new", lineterm="")])


def store(session: Session, readings: Sequence[Reading]) -> list[Change]:
    """Store all or nothing: the caller's transaction ends with the first error."""
    now = utc_now()
    return [editorial.store(session, reading.update, now=now) for reading in readings]


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files themselves, and those with a known ending in the folders."""
    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(each for each in path.rglob("*") if each.suffix in {".json", ".md", ".txt"}) if path.is_dir() else []
        )
        if path.is_dir() and not inside:
            raise InvalidInput(f"{path} holds no .json, .md or .txt file")
        found += inside or [path]
    return found


def _refuse_doubles(readings: Sequence[Reading]) -> None:
    seen = set()
    for reading in readings:
        key = (reading.update.place, reading.update.month)
        if key in seen:
            raise InvalidUpdate(f"{key[0]} {key[1]} is in these files twice; keep one")
        seen.add(key)


def _tell(readings: Sequence[Reading], told: Sequence[str], *, dry_run: bool, as_json: bool) -> None:
    for reading in readings:
        for doubt in reading.doubts:
            click.echo(f"{reading.update.place} {reading.update.month}: {doubt}", err=True)
    if as_json:
        data = [to_json(reading.update) for reading in readings]
        click.echo(json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=2))
        return
    for reading, words in zip(readings, told, strict=True):
        click.echo(f"{reading.update.place} {reading.update.month}: {words}")
    if dry_run:
        click.echo("Nothing was stored: this was a dry run.")


@updates.command("list")
@click.option("--month", help="YYYY-MM; default: the latest that has updates.")
@click.option("--json", "as_json", is_flag=True)
def list_(month: str | None, as_json: bool) -> None:
    """The updates of a month."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        chosen = Month.parse(month) if month else editorial.latest_month(session)
        found = editorial.of_month(session, chosen) if chosen else []
    if as_json:
        click.echo(json.dumps([to_json(update) for update in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("No updates. 'newsletter updates import' takes some in; 'newsletter sample load' loads sample data.")
    for update in found:
        name = gazetteer().require(update.place).name
        alerts = "".join(f" {alert.sign} {alert.words}" for alert in update.alerts)
        click.echo(
            f"{update.month}  {update.state.value:5}  {update.trend.sign} {update.trend.word:12}  {name}{alerts}"
        )


@updates.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--month", help="YYYY-MM; default: all months.")
def export(folder: Path, month: str | None) -> None:
    """Write updates as Markdown, one file a place in a folder a month; `import` reads them back."""
    with opening.database(opening.settings()) as database, database.reading() as session:
        months = [Month.parse(month)] if month else editorial.months(session)
        found = [update for each in months for update in editorial.of_month(session, each)]
    try:
        for update in found:
            path = folder / str(update.month) / f"{update.place}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write_markdown(update), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"{folder} can't be written: {error.strerror}") from None
    click.echo(f"{len(found)} updates written to {folder}")


@click.group()
def sample() -> None:
    """Sample data: three months of 2022."""


@sample.command()
def load() -> None:
    """Load the sample months' updates into the configured database; no subscribers, and no edition.

    The months' overviews go into those of their editions that are there as drafts and have none.
    """
    with opening.database(opening.settings()) as database, database.writing() as session:
        changes = store(session, sample_readings())
        months = add_sample_overviews(session)
    click.echo(
        f"{len(changes)} sample updates, {sum(change is not Change.SAME for change in changes)} of them new or changed"
    )
    for month in months:
        click.echo(f"{month}: the draft has the sample's overview")


def add_sample_overviews(session: Session) -> list[Month]:
    """Give the sample months' drafts their overviews, where they have none; which months these are."""
    texts = sample_overviews()
    drafts = [
        Month.parse(edition.month)
        for edition in editions.all_editions(session)
        if edition.state == EditionState.DRAFT.value and not edition.overview
    ]
    months = [month for month in drafts if month in texts]
    for month in months:
        editions.set_overview(session, month, texts[month], now=utc_now())
    return months


@click.group()
def places() -> None:
    """The places that updates can be about."""


@places.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_places(as_json: bool) -> None:
    """All places, by region."""
    found = gazetteer().places
    if as_json:
        rows = [{"place": each.code, "name": each.name, "region": each.region.code} for each in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for each in found:
        click.echo(f"{each.code:20} {each.name:40} {each.region.name}")
