"""What making a digest costs: a splice beside one ordinary render of the same templates, for the same readers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from benchmarks import audience
from newsletter.domain.edition import Contents, assemble
from newsletter.domain.tally import Tally
from newsletter.mail import compiling, digest
from newsletter.mail.compiled import Compiled
from newsletter.mail.digest import NoMarks, Wording
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
READERS = 20_000
ROUNDS = 5  #: the best one counts: the others were disturbed


def main() -> None:
    contents = month()
    illustrations, drawing = timed(lambda: illustrate(contents, PUBLICATION.pictures))
    compiled, compilation = timed(lambda: compiling.compile_edition(contents, PUBLICATION, at=audience.NOW))
    splicer = Splicer(Compiled.load(compiled.dump()), PUBLICATION, gazetteer())
    print(f"{len(contents.entries)} places, {READERS:,} readers with as many selections; the best of {ROUNDS} rounds\n")
    print(f"| once an edition | seconds |\n|---|---|\n| drawing its pictures | {drawing:.2f} |")
    print(f"| compiling it, pictures included | {compilation:.2f} |\n")
    print("| places a reader | bytes | HTML | told in brief | splicing | one Jinja render |\n|---|---|---|---|---|---|")
    for count in (1, 7, 24, 70):
        readers = recipients(contents, count)
        spliced = [splicer.splice(reader) for reader in readers[:200]]
        html = sum(html_bytes(each.data) for each in spliced) // len(spliced)
        size = sum(len(each.data) for each in spliced) // len(spliced)
        brief = sum(len(splicer.in_brief(reader.follows)) for reader in readers[:200]) / len(spliced)
        micros = best(lambda readers=readers: splice_all(splicer, readers)) / len(readers) * 1e6
        plain = best(lambda readers=readers: render(contents, readers[0], illustrations)) * 1e3
        print(f"| {count} | {size:,} | {html:,} | {brief:.0f} | {micros:.0f} µs | {plain:.0f} ms |")


def month() -> Contents:
    """70 places with the texts of the sample month, some twice."""
    dice = random.Random(1)
    texts = [reading.update for reading in sample_readings() if reading.update.month == audience.MONTH]
    updates = [replace(dice.choice(texts), place=code) for code in audience.codes()]
    return assemble(audience.MONTH, updates, gazetteer())


def recipients(contents: Contents, count: int) -> list[Recipient]:
    dice = random.Random(count)
    codes = [entry.place.code for entry in contents.entries]
    return [
        Recipient(number, f"reader{number}@example.org", tuple(sorted(dice.sample(codes, count))))
        for number in range(READERS)
    ]


def splice_all(splicer: Splicer, readers: Sequence[Recipient]) -> None:
    for reader in readers:
        splicer.splice(reader)


def render(contents: Contents, reader: Recipient, illustrations: Illustrations) -> None:
    """The ordinary way, for one reader."""
    own = contents.only(reader.follows)
    tally = Tally.of(own.entries, len(reader.follows))
    text, html = Wording(PUBLICATION, gazetteer()).slots(reader, own.entries, tally, 0)
    digest.render(
        own,
        PUBLICATION,
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


def best(act: Callable[[], None]) -> float:
    """Seconds of this process's own time."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return min(found)


if __name__ == "__main__":
    main()
