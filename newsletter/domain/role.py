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

    VIEW = "view"  #: see the month's board, editions and previews; one's own login
    WRITE = "write"  #: write updates, and say that they are ready
    REVIEW = "review"  #: say that an update of somebody else is right, or send it back
    APPROVE = "approve"  #: assemble an edition, and freeze it
    SEND = "send"  #: send, pause, resume or cancel it
    SUBSCRIBERS = "subscribers"  #: see who subscribes, import, export, suppress, erase
    ADMINISTER = "administer"  #: invite admins, give them roles, read the audit log


_FROM: dict[Act, Role] = {
    Act.VIEW: Role.AUTHOR,
    Act.WRITE: Role.AUTHOR,
    Act.REVIEW: Role.REVIEWER,
    Act.APPROVE: Role.REVIEWER,
    Act.SEND: Role.SENDER,
    Act.SUBSCRIBERS: Role.SENDER,
    Act.ADMINISTER: Role.OWNER,
}
_ORDER = list(Role)


def may(role: Role, act: Act) -> bool:
    """Whether an admin of this role may do this."""
    return _ORDER.index(role) >= _ORDER.index(_FROM[act])
