"""Who may do what at the desk: one table."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an admin is there for; each may do what the ones before may."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    SENDER = "sender"
    OWNER = "owner"


class Act(StrEnum):
    """Something that an admin does."""

    VIEW = "view"  #: see editions and previews
    APPROVE = "approve"  #: assemble an edition, and freeze it
    SEND = "send"  #: send, pause, resume or cancel it


_FROM: dict[Act, Role] = {Act.VIEW: Role.AUTHOR, Act.APPROVE: Role.REVIEWER, Act.SEND: Role.SENDER}
_ORDER = list(Role)


def may(role: Role, act: Act) -> bool:
    """Whether an admin of this role may do this."""
    return _ORDER.index(role) >= _ORDER.index(_FROM[act])
