"""How large the mails of an edition are, by who gets them."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.domain import subject as subjects_
from newsletter.mail.compiled import Compiled
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.storage.places import gazetteer


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a message."""

    smallest: int  #: for the single place with least to tell
    largest: int  #: for a single place, or for all of them


def sizes(compiled: Compiled, publication: Publication) -> Sizes:
    """Weigh a digest of each place alone, and the one of everything."""
    splicer = Splicer(compiled, publication, gazetteer())
    choices = [(entry.place,) for entry in compiled.entries] + [(subjects_.ALL,)]
    found = [len(splicer.splice(Recipient(0, "reader@example.org", each)).data) for each in choices]
    return Sizes(min(found), max(found))
