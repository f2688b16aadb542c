"""How a send is shown while it runs: a bar on a terminal, plain lines elsewhere. The numbers are counted from rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from newsletter.domain.states import OPEN_STATES, DeliveryState, EditionState
from newsletter.services import deliveries
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition

LOOK_SECONDS = 0.5  #: between two looks at the rows
LINE_SECONDS = 5.0  #: between two lines where there is no terminal


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an edition is."""

    state: EditionState
    note: str | None
    counts: dict[DeliveryState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.total - sum(self.counts[state] for state in OPEN_STATES)

    @property
    def words(self) -> str:
        told = ", ".join(f"{count} {state.value}" for state, count in self.counts.items() if count)
        return told or "nobody to send to"


def look(database: Database, edition_id: int) -> Standing:
    """How far an edition is now."""
    with database.reading() as session:
        edition = session.get_one(Edition, edition_id)
        return Standing(EditionState(edition.state), edition.note, deliveries.counts(session, edition_id))


def watch(database: Database, edition_id: int, is_over: Callable[[Standing], bool]) -> Standing:
    """Show an edition's progress until `is_over`; the last standing."""
    return (
        _on_terminal(database, edition_id, is_over) if sys.stdout.isatty() else _in_lines(database, edition_id, is_over)
    )


def _on_terminal(database: Database, edition_id: int, is_over: Callable[[Standing], bool]) -> Standing:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:>6.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        standing = look(database, edition_id)
        task = bar.add_task("sending", total=standing.total, completed=standing.done, speed=0.0)
        began, done_before = time.monotonic(), standing.done
        while not is_over(standing):
            time.sleep(LOOK_SECONDS)
            standing = look(database, edition_id)
            speed = (standing.done - done_before) / (time.monotonic() - began)
            label = standing.note or standing.state.value
            bar.update(task, total=standing.total, completed=standing.done, speed=speed, description=label)
    return standing


def _in_lines(database: Database, edition_id: int, is_over: Callable[[Standing], bool]) -> Standing:
    standing = look(database, edition_id)
    told = time.monotonic()
    while not is_over(standing):
        time.sleep(LOOK_SECONDS)
        standing = look(database, edition_id)
        if time.monotonic() - told >= LINE_SECONDS:
            told = time.monotonic()
            note = f" ({standing.note})" if standing.note else ""
            click.echo(f"{standing.state.value}: {standing.done} of {standing.total}: {standing.words}{note}")
    return standing
