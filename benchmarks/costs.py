"""What a message, a delivery and a reader cost: measured, each by the benchmark that is named, on two cores.

Run that benchmark again after a change, put in what it prints, and run `python -m benchmarks.scale --write`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Cost(NamedTuple):
    """One number, and what it is of."""

    value: float
    words: str
    source: str = ""  #: the benchmark that prints it


_SQLITE, _POSTGRESQL = "readers", "readers --database postgresql"
_SLOWLY = " --readers 300 --rate 50"

COSTS: Final = {
    "message": Cost(30_358, "bytes a message", "sending"),
    "rate": Cost(5_956, "messages/s of one sender at full speed, not signing", "sending"),
    "rate_rsa": Cost(1_887, "messages/s of one sender at full speed, signing with rsa-2048", "sending"),
    "sender": Cost(146, "µs of the sender's processor time a message, not signing", "sending"),
    "sender_rsa": Cost(750, "µs of the same, signing with rsa-2048", "sending"),
    "batch": Cost(16, "messages a commit at full speed", _SQLITE),
    "sqlite_reader": Cost(2_228, "bytes a reader, SQLite", "storing"),
    "postgresql_reader": Cost(3_645, "bytes a reader, PostgreSQL", "storing"),
    "sqlite_delivery": Cost(25, "bytes a sent delivery, SQLite", _SQLITE),
    "postgresql_delivery": Cost(136, "bytes a sent delivery, PostgreSQL", _POSTGRESQL),
    "sqlite_written": Cost(726, "bytes written to the disk a delivery, SQLite", _SQLITE),
    "sqlite_written_slowly": Cost(10_300, "the same where each message has a commit of its own", _SQLITE + _SLOWLY),
    "postgresql_written": Cost(490, "bytes of log (WAL) a delivery, PostgreSQL", _POSTGRESQL),
    "postgresql_written_slowly": Cost(830, "the same where each message has a commit", _POSTGRESQL + _SLOWLY),
    "postgresql_server": Cost(140, "µs of PostgreSQL's processor time a message", _POSTGRESQL),
    "postgresql_server_slowly": Cost(1_300, "the same where each message has a commit", _POSTGRESQL + _SLOWLY),
    "sqlite_planning": Cost(0.9, "µs a reader to plan an edition, SQLite", "planning"),
    "postgresql_planning": Cost(2.8, "µs a reader to plan an edition, PostgreSQL", "planning"),
    "counting": Cost(0.23, "µs a delivery to look through an edition's rows", _SQLITE),
    "audience": Cost(5.3, "µs a reader to count who would get an edition", _SQLITE),
}

#: Nobody measured these: put in your own.
ASSUMED: Final = {
    "places": Cost(12, "places that a reader follows"),
    "editions": Cost(12, "editions whose deliveries are in the database"),
    "hours": Cost(8, "hours in which an edition should be out"),
    "relay": Cost(300, "messages/s that one relay machine takes, writing each to its disk"),
    "answer": Cost(50, "ms from the end of a message to the relay's answer"),
    "provider": Cost(40, "per cent of the readers at the largest mailbox provider"),
    "provider_rate": Cost(100, "messages/s that this provider takes from a sender that it knows well"),
    "network": Cost(1_000, "Mbit/s to the relays"),
}


def cost(name: str) -> float:
    """One of COSTS or ASSUMED."""
    return (COSTS | ASSUMED)[name].value


def by_batch(name: str, batch: float) -> float:
    """A cost that has two parts, one a message and one a commit, where a commit has so many messages in it."""
    at_best, alone = cost(name), cost(f"{name}_slowly")
    a_commit = (alone - at_best) / (1 - 1 / cost("batch"))
    return alone - a_commit + a_commit / batch
