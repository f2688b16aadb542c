"""How a send is shown while it runs: a bar on a terminal, plain lines elsewhere, in the same words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import click
from rich.console import RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from newsletter.domain.states import EditionState
from newsletter.jobs.sender import utc_now
from newsletter.services.progress import Looks, PausedDestination, Standing
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition

LOOK_SECONDS: Final = 0.5  #: between two looks
LINE_SECONDS: Final = 5.0  #: between two lines where there is no terminal
MOST_DESTINATIONS: Final = 3  #: that are named


def look(database: Database, edition_id: int) -> Standing:
    """How far an edition is now."""
    return _look(Looks(), database, edition_id)


def _look(looks: Looks, database: Database, edition_id: int) -> Standing:
    with database.reading() as session:
        return looks.at(session, session.get_one(Edition, edition_id), now=utc_now())


def watch(database: Database, edition_id: int, is_over: Callable[[Standing], bool]) -> Standing:
    """Show an edition's progress until `is_over`; the last standing."""
    standings = _until(is_over, database, edition_id)
    return _on_terminal(standings) if sys.stdout.isatty() else _in_lines(standings)


def _until(is_over: Callable[[Standing], bool], database: Database, edition_id: int) -> Iterator[Standing]:
    """One standing after the other; the first at once, the last the one with which it is over."""
    looks = Looks()
    standing = _look(looks, database, edition_id)
    yield standing
    while not is_over(standing):
        time.sleep(LOOK_SECONDS)
        standing = _look(looks, database, edition_id)
        yield standing


def notes(standing: Standing) -> list[str]:
    """What an admin should know, a sentence each."""
    told = [each for each in (standing.halted, standing.note) if each]
    if standing.state is EditionState.SENDING and standing.is_first_wave and standing.rest_at is None:
        told.append("The first wave is on its way; the rest waits for it.")
    if standing.is_too_slow and standing.deadline_at is not None:
        told.append(f"At this pace not everybody has it by the deadline, {standing.deadline_at:%Y-%m-%d %H:%M} UTC.")
    return [*told, *_paused(standing.destinations)]


def _paused(destinations: tuple[PausedDestination, ...]) -> Iterator[str]:
    for each in destinations[:MOST_DESTINATIONS]:
        yield f"Mail to {each.name} waits until {each.until:%Y-%m-%d %H:%M} UTC{f': {each.note}' if each.note else '.'}"
    more = len(destinations) - MOST_DESTINATIONS
    if more > 0:
        yield f"So does mail to {more:,} more {'destination' if more == 1 else 'destinations'}."


class _Bar(Progress):
    """A bar, and under it the numbers and the notes, which a narrow terminal can wrap."""

    under: tuple[str, ...] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Called by rich at each refresh."""
        yield from super().get_renderables()
        yield from (Text(line) for line in self.under)


def _on_terminal(standings: Iterable[Standing]) -> Standing:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[percent]} %"))
    with _Bar(*columns) as bar:
        task = bar.add_task("", total=None, percent=0)
        for standing in standings:
            count = standing.count
            bar.under = (standing.line, *notes(standing))
            words, percent = standing.state.value, standing.percent
            bar.update(task, total=count.total or None, completed=count.done, description=words, percent=percent)
    return standing


def _in_lines(standings: Iterable[Standing]) -> Standing:
    told_at = time.monotonic()
    known: list[str] = []
    for standing in standings:
        if time.monotonic() - told_at < LINE_SECONDS:
            continue
        told_at = time.monotonic()
        click.echo(f"{standing.state.value}: {standing.line}")
        found = notes(standing)
        for note in found:
            if note not in known:
                click.echo(note)
        known = found
    return standing
