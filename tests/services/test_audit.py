"""The audit log can be added to, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from newsletter.services import audit
from newsletter.storage.tables import AuditEvent

NOW = datetime(2022, 12, 1, 6, tzinfo=UTC)


def test_an_event_tells_who_did_what_to_what_when_and_from_where(database):
    with database.writing() as session:
        audit.record(session, audit.Actor("ed@example.org", "192.0.2.7"), "edition.sent", "edition 2022-11", now=NOW)

    with database.reading() as session:
        found = session.scalars(select(AuditEvent)).one()
        assert (found.actor, found.ip) == ("ed@example.org", "192.0.2.7")
        assert (found.act, found.subject, found.at) == ("edition.sent", "edition 2022-11", NOW)


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'nobody'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_or_remove_an_event(database, statement):
    with database.writing() as session:
        audit.record(session, audit.COMMAND_LINE, "admin.added", "admin 1", now=NOW)

    with pytest.raises(DBAPIError, match="an audit event is never"), database.writing() as session:
        session.execute(text(statement))

    with database.reading() as session:
        assert session.scalars(select(AuditEvent.actor)).all() == ["command line"]
