"""What making a digest costs: a splice beside one ordinary render of the same templates, for the same readers."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from benchmarks import audience
from benchmarks.table import table
from newsletter.domain.edition import Contents, assemble
from newsletter.domain.tally import Tally
from newsletter.mail import compiling, digest
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import NoMarks, Rendered, Wording
from newsletter.mail.links import Links, Tokens
from newsletter.mail.pictures.illustrated import Illustrations, illustrate
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services.sample import sample_readings
from newsletter.storage.places import gazetteer

PUBLICATION = Publication(
    "Country Updates",
    "Country Updates",
    "updates@example.org",
    "Example Foundation, 1 Sample Street",
    Links("https://updates.example.org", Tokens("a secret key for a benchmark")),
)
Value = TypeVar("Value")
ROUNDS = 5  #: the best one counts: the others were disturbed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=20_000)
    readers = parser.parse_args().readers
    print(f"{audience.PLACES} places, {readers:,} readers with as many selections; the best of {ROUNDS} rounds\n")
    short = assemble(audience.MONTH, audience.updates(), gazetteer())
    for words, contents in (("the sample's texts", long_month()), ("the short texts of the other benchmarks", short)):
        print(f"A month with {words}:\n")
        measure(contents, readers)


def measure(contents: Contents, readers: int) -> None:
    """Print what this month costs, once and for each reader."""
    illustrations, drawing = timed(lambda: illustrate(contents, PUBLICATION.pictures))
    compiled, compilation = timed(lambda: compiling.compile_edition(contents, PUBLICATION, at=audience.NOW))
    splicer = Splicer(Compiled.load(compiled.dump()), PUBLICATION, gazetteer())
    once = [("drawing its pictures", drawing), ("compiling it, pictures included", compilation)]
    print(table(("once an edition", "seconds"), [(name, f"{seconds:.2f}") for name, seconds in once]))
    rows = []
    for count in (1, 7, 12, 24, 70):
        chosen = recipients(contents, count, readers)
        spliced = [splicer.splice(reader) for reader in chosen[:200]]
        html = sum(html_bytes(each.data) for each in spliced) // len(spliced)
        size = sum(len(each.data) for each in spliced) // len(spliced)
        brief = sum(len(splicer.in_brief(reader.follows)) for reader in chosen[:200]) / len(spliced)
        micros = best(partial(splice_all, splicer, chosen)) / len(chosen) * 1e6
        plain = best(partial(render, contents, PUBLICATION, illustrations, chosen[0])) * 1e3
        rows.append((f"{count}", f"{size:,}", f"{html:,}", f"{brief:.0f}", f"{micros:.0f} µs", f"{plain:.0f} ms"))
    print(table(("places a reader", "bytes", "HTML", "told in brief", "splicing", "one Jinja render"), rows))


def long_month() -> Contents:
    """70 places with the texts of the sample month, some twice."""
    dice = random.Random(1)
    texts = [reading.update for reading in sample_readings() if reading.update.month == audience.MONTH]
    updates = [replace(dice.choice(texts), place=code) for code in audience.codes()]
    return assemble(audience.MONTH, updates, gazetteer())


def recipients(contents: Contents, count: int, readers: int) -> list[Recipient]:
    dice = random.Random(count)
    codes = [entry.place.code for entry in contents.entries]
    return [
        Recipient(number, f"reader{number}@example.org", tuple(sorted(dice.sample(codes, count))))
        for number in range(readers)
    ]


def splice_all(splicer: Splicer, readers: Sequence[Recipient]) -> None:
    for reader in readers:
        splicer.splice(reader)


def render(contents: Contents, publication: Publication, illustrations: Illustrations, reader: Recipient) -> Rendered:
    """The ordinary way, for one reader."""
    own = contents.only(reader.follows)
    tally = Tally.of(own.entries, len(reader.follows))
    text, html = Wording(publication, gazetteer()).slots(reader, own.entries, tally, 0)
    return digest.render(
        own,
        publication,
        illustrations,
        forms=lambda _: ("full",),
        marks=NoMarks(),
        text_slots=text,
        html_slots=html,
    )


def html_bytes(message: bytes) -> int:
    """The encoded HTML part's size; what a client counts is a little less."""
    return len(message) - message.index(b"Content-Type: text/html")


def timed(act: Callable[[], Value]) -> tuple[Value, float]:
    """What it gives, and how many seconds that took."""
    began = time.perf_counter()
    return act(), time.perf_counter() - began


def best(act: Callable[[], object]) -> float:
    """Seconds of this process's own time."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return min(found)


if __name__ == "__main__":
    main()
