"""What it takes long to find out about an edition: kept with its time, until somebody asks anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from newsletter.storage.tables import Edition, EditionProbe


class ProbeKind(StrEnum):
    """What was asked."""

    LINKS = "links"  #: which links don't answer, see services.checks.reaching
    DRY_RUN = "dry_run"  #: who would get what, see services.dry_run


@dataclass(frozen=True, slots=True)
class Probe:
    """An answer, and when it was found."""

    made_at: datetime
    content: Any  #: what JSON can hold


def find(session: Session, edition: Edition, kind: ProbeKind) -> Probe | None:
    """The last answer; None when nobody has asked yet."""
    row = session.get(EditionProbe, (edition.id, kind.value))
    return Probe(row.made_at, json.loads(row.content)) if row is not None else None


def keep(session: Session, edition: Edition, kind: ProbeKind, content: object, *, now: datetime) -> None:
    """Put an answer in the place of the last one."""
    text = json.dumps(content, ensure_ascii=False)
    session.merge(EditionProbe(edition_id=edition.id, kind=kind.value, made_at=now, content=text))
    session.flush()
