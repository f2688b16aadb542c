"""Counts what became of an edition, when it has ended and for a while after it: see services.reports."""

from __future__ import annotations

from datetime import datetime

from newsletter.domain.month import Month
from newsletter.mail.publication import Publication
from newsletter.services import editions, reports
from newsletter.storage.database import Database


def make_report(database: Database, publication: Publication, *, now: datetime) -> bool:
    """Make the report that is due, if there is one; whether there was. Raises StorageUnavailable.

    The look through all deliveries is a transaction that only reads: nobody waits for it.
    """
    with database.reading() as session:
        edition = reports.due(session, now=now)
        if edition is None:
            return False
        month = Month.parse(edition.month)
        report = reports.make(session, edition, publication, now=now)
    with database.writing() as session:
        reports.keep(session, editions.get(session, month, for_update=True), report)
    return True
