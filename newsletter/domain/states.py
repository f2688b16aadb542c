"""The states that rows go through."""

from __future__ import annotations

from enum import StrEnum


class SubscriberState(StrEnum):
    """Where the owner of an address stands."""

    PENDING = "pending"  #: asked for mail, and has not confirmed
    ACTIVE = "active"  #: confirmed, and follows something
    ENDED = "ended"  #: has left


class EditionState(StrEnum):
    """Where a month's issue stands."""

    DRAFT = "draft"  #: assembled, and may still change
    APPROVED = "approved"  #: compiled and frozen
    SENDING = "sending"
    PAUSED = "paused"  #: sending stopped for a while, by a person or by the relay's answers
    SENT = "sent"
    CANCELLED = "cancelled"


class DeliveryState(StrEnum):
    """Where one digest to one subscriber, or one notice, stands."""

    PENDING = "pending"  #: to be sent
    ARMED = "armed"  #: a sender has it, and may be sending it right now
    SENT = "sent"  #: the relay answered 250 (RFC 5321, 6.1)
    DEFERRED = "deferred"  #: to be tried again when it is due
    FAILED = "failed"  #: given up
    SKIPPED = "skipped"  #: not sent on purpose, for a SkipReason
    HELD = "held"  #: waits for an admin: its outcome is unknown, or it brought down the sender


OPEN_STATES = (DeliveryState.PENDING, DeliveryState.ARMED, DeliveryState.DEFERRED)


class OnUnknown(StrEnum):
    """What becomes of a delivery whose outcome nobody knows: the relay may have taken it, or not (RFC 1047)."""

    RESEND = "resend"  #: again, byte for byte: nobody is lost, hardly anybody is doubled
    HOLD = "hold"  #: an admin decides


class SkipReason(StrEnum):
    """Why a planned delivery was not sent."""

    ENDED = "ended"  #: the subscriber has left since, or does not want it any more
    SUPPRESSED = "suppressed"
    NOTHING_TO_TELL = "nothing_to_tell"  #: no place that they follow is in the edition, or the alert was taken back
    CANCELLED = "cancelled"  #: the edition was cancelled
    PAUSED = "paused"  #: the subscriber takes no mail for some months
    TOO_LATE = "too_late"  #: the edition's deadline came first


class NoticeKind(StrEnum):
    """The one-off mails; each has a folder of templates of the same name."""

    CONFIRMATION = "confirmation"
    WELCOME = "welcome"
    MANAGE_LINK = "manage_link"
    GOODBYE = "goodbye"
    ALERT = "alert"  #: a conflict risk alert for a place that they follow, as soon as it is published
    ALREADY_SUBSCRIBED = "already_subscribed"  #: to who asks by the form, and need not
    ADDRESS_CHANGE = "address_change"  #: the question at the new address
    ADDRESS_CHANGED = "address_changed"  #: to the old address, when the new one is confirmed
    INVITATION = "invitation"  #: to an admin who has no password yet
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of mail  #: to an admin who has forgotten it
    TEST_COPY = "test_copy"  #: a digest as a reader would get it, to a colleague
    CORRECTION = "correction"  #: to who got an update that was wrong


class SuppressionReason(StrEnum):
    """Why an address gets nothing."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    ERASED = "erased"
    BY_ADMIN = "by_admin"
