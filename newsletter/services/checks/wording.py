"""What a list of mails shows of a digest: how much of it is cut."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.domain.edition import Contents
from newsletter.mail import digest
from newsletter.mail.news import LONGEST_PREHEADER, LONGEST_SUBJECT
from newsletter.mail.publication import Publication
from newsletter.services.checks.finding import Check, Finding

LEAST_NEWS = 24  #: octets that a subject needs for its news: ": risk alert for Ethiopia"
LONGEST_HEADLINE = 210  #: octets with the place's name; of more, a list of mails shows less than two thirds


def lengths(contents: Contents, publication: Publication) -> Iterator[Finding]:
    """A title that leaves no room for the news, and headlines that are cut where they stand beside it."""
    lead = digest.subject_lead(contents.month, publication)
    room = LONGEST_SUBJECT - len(lead.encode())
    if room < LEAST_NEWS:
        words = f"“{lead}” takes {len(lead.encode())} of the {LONGEST_SUBJECT} octets that a list of mails shows whole"
        yield Finding(Check.SUBJECT, f"{words}, so the news have no room: shorten TITLE.")
    for entry in contents.entries:
        length = len(f"{entry.place.name}: {' '.join(entry.update.headline.split())}".encode())
        if length > LONGEST_HEADLINE:
            words = f"{entry.place.name}: name and headline have {length} octets, and are cut at {LONGEST_PREHEADER}."
            yield Finding(Check.PREHEADER, words, entry.place.code)
