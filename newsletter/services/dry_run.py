"""What a release would do, before it is done: who gets the edition, who doesn't and why, how large, and for how long.

Up to EXACT subscribers everybody is counted. Of more, the totals are counted and the rest is told from a sample, which
is good to a per cent or two: to look at a million selections takes many seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import EditionState, SubscriberState
from newsletter.domain.tally import places_by_subject
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import editions, probes
from newsletter.services.probes import ProbeKind
from newsletter.services.sampling import sample
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition, Subscriber

LIVE: Final = 2_000  #: subscribers whom a page may look at each time that it is shown
EXACT: Final = 20_000  #: subscribers that are all looked at
SAMPLE: Final = 4_000  #: of more, so many are
_WEIGHED: Final = 1_000  #: digests that are made to see their size

#: How selections are told apart: up to so many places, and what that is called.
_SIZES: Final = ((1, "1 place"), (5, "2 to 5 places"), (20, "6 to 20 places"), (10**9, "more than 20 places"))
EVERYTHING: Final = "all places"


@dataclass(frozen=True, slots=True)
class DryRun:
    """Who would get what, if the edition were sent at that time."""

    made_at: datetime
    active: int  #: subscribers who have confirmed
    paused: int  #: of these, take no mail for a while
    readers: int  #: get a digest
    skipped: int  #: follow nothing that is in it
    sampled: int  #: of how many subscribers the rest is told; 0: all were looked at
    languages: Mapping[str, int]  #: readers by the language that they have chosen
    selections: Mapping[str, int]  #: readers by how much they follow
    text_only: int  #: readers who get no HTML
    smallest: int  #: bytes of a message
    median: int
    largest: int

    @property
    def is_estimate(self) -> bool:
        return self.sampled > 0

    def as_json(self) -> dict[str, Any]:
        """What `kept` reads again."""
        return {name: value for name, value in asdict(self).items() if name != "made_at"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a send takes, as far as that is known."""

    rate: float | None  #: messages a second; None: nobody knows
    source: str  #: where the rate is from, in words
    first_at: datetime
    last_at: datetime | None  #: when the last one goes, if all goes well


def is_quick(session: Session, edition: Edition) -> bool:
    """Whether it takes so little that a page may do it: few subscribers, and nothing to compile."""
    return edition.compiled is not None and _last_subscriber(session) <= LIVE


def make(session: Session, edition: Edition, publication: Publication, *, now: datetime) -> DryRun:
    """Look now. Raises TemplateError for a template that can't be used."""
    compiled = editions.compile_draft(session, edition, publication, now=now)
    told = {code for entry in compiled.entries for code in (entry.place, entry.region)}
    told |= {subjects_.ALL} if compiled.entries else set()
    exact = _last_subscriber(session) <= EXACT
    rows = _everybody(session) if exact else _sample(session, seed=edition.id)
    awake = [row for row in rows if row.paused_until is None or row.paused_until <= now]
    reached = [row for row in awake if not told.isdisjoint(subjects_.split(row.follows))]
    active, paused = (len(rows), len(rows) - len(awake)) if exact else _totals(session, now)
    scale = 1.0 if exact else (active - paused) / max(1, len(awake))
    sizes = _sizes(Splicer(compiled, publication, gazetteer()), reached)
    return DryRun(
        made_at=now,
        active=active,
        paused=paused,
        readers=round(len(reached) * scale),
        skipped=active - paused - round(len(reached) * scale),
        sampled=0 if exact else len(rows),
        languages=_scaled(dict(Counter(row.language for row in reached).most_common()), scale),
        selections=_scaled(_by_size(reached), scale),
        text_only=round(sum(row.text_only for row in reached) * scale),
        smallest=sizes[0],
        median=sizes[len(sizes) // 2],
        largest=sizes[-1],
    )


def keep(session: Session, edition: Edition, found: DryRun) -> None:
    """Keep it with the edition."""
    probes.keep(session, edition, ProbeKind.DRY_RUN, found.as_json(), now=found.made_at)


def kept(session: Session, edition: Edition) -> DryRun | None:
    """The last one that was kept, whatever has changed since."""
    probe = probes.find(session, edition, ProbeKind.DRY_RUN)
    return DryRun(made_at=probe.made_at, **probe.content) if probe is not None else None


def pace(
    session: Session, readers: int, *, rate: float, first_at: datetime, canary: float, canary_wait: timedelta
) -> Pace:
    """How long so many readers take at `rate` messages a second; 0 is no limit, and the last edition tells.

    `canary` is per cent of the readers who get it first; the rest follows `canary_wait` later.
    """
    known = (rate, "the set rate, RATE") if rate else _last_rate(session)
    if known is None:
        return Pace(None, "no rate is set, and nothing was sent yet", first_at, None)
    wait = canary_wait if canary else timedelta(0)
    return Pace(known[0], known[1], first_at, first_at + timedelta(seconds=readers / known[0]) + wait)


def _last_rate(session: Session) -> tuple[float, str] | None:
    """How fast the newest edition went that was sent without a stop."""
    sent = (
        select(Edition)
        .where(Edition.state == EditionState.SENT.value, Edition.resumed_at.is_(None))
        .order_by(Edition.month.desc())
        .limit(1)
    )
    edition = session.scalars(sent).one_or_none()
    if edition is None or edition.send_started_at is None or edition.ended_at is None:
        return None
    probe = kept(session, edition)
    seconds = (edition.ended_at - edition.send_started_at).total_seconds()
    if probe is None or not probe.readers or seconds < 1:
        return None
    return probe.readers / seconds, f"as fast as {edition.month} went"


def _last_subscriber(session: Session) -> int:
    """The newest id: nobody has to be counted for it."""
    return session.scalar(select(func.max(Subscriber.id))) or 0


def _everybody(session: Session) -> Sequence[Any]:
    return session.execute(_columns()).all()


def _sample(session: Session, *, seed: int) -> Sequence[Any]:
    """Active subscribers at random."""
    last = _last_subscriber(session)
    return sample(session, _columns(), Subscriber.id, first=1, last=last, size=SAMPLE, seed=seed)


def _columns() -> Any:
    return select(Subscriber.follows, Subscriber.language, Subscriber.paused_until, Subscriber.text_only).where(
        Subscriber.state == SubscriberState.ACTIVE.value
    )


def _totals(session: Session, now: datetime) -> tuple[int, int]:
    """How many are active, and of these, have paused their mail."""
    counted = select(func.count(), func.count().filter(Subscriber.paused_until > now))
    active, paused = session.execute(counted.where(Subscriber.state == SubscriberState.ACTIVE.value)).one()
    return active, paused


def _by_size(rows: Iterable[Any]) -> dict[str, int]:
    places = places_by_subject(gazetteer())
    found: Counter[str] = Counter()
    for row in rows:
        follows = subjects_.split(row.follows)
        number = sum(places.get(code, 0) for code in follows)
        found[EVERYTHING if subjects_.ALL in follows else next(name for most, name in _SIZES if number <= most)] += 1
    return {name: found[name] for name in (*(name for _, name in _SIZES), EVERYTHING) if found[name]}


def _scaled(counts: Mapping[str, int], scale: float) -> dict[str, int]:
    """The same for all whom the counted ones stand for."""
    return {name: round(number * scale) for name, number in counts.items()}


def _sizes(splicer: Splicer, rows: Sequence[Any]) -> list[int]:
    """Bytes of the messages of some of the readers, the smallest first; one 0 without any."""
    step = max(1, len(rows) // _WEIGHED)
    chosen = [Recipient(0, "reader@example.org", subjects_.split(row.follows), row.text_only) for row in rows[::step]]
    return sorted(len(splicer.splice(each).data) for each in chosen) or [0]
