"""The tables. Constraints keep the rules, so that code only has to handle the conflict."""

from newsletter.storage.columns import Base
from newsletter.storage.tables.admins import Admin, AdminSession, AuditEvent, RecoveryCode
from newsletter.storage.tables.content import (
    CompiledEdition,
    CountryUpdate,
    Edition,
    EditionPicture,
    EditionProbe,
    EditionReport,
    EditionRevision,
    Place,
    Region,
    UnsavedUpdate,
    UpdateVersion,
)
from newsletter.storage.tables.imports import GrowthMonth, ImportRow, SubscriberImport
from newsletter.storage.tables.readers import (
    AddressChange,
    Consent,
    DisposableDomain,
    RateWindow,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.storage.tables.sending import (
    Delivery,
    Destination,
    EditionTotal,
    Notice,
    SenderRun,
    SendingDay,
    SendingGuard,
    Shard,
)

__all__ = [
    "AddressChange",
    "Admin",
    "AdminSession",
    "AuditEvent",
    "Base",
    "CompiledEdition",
    "Consent",
    "CountryUpdate",
    "Delivery",
    "Destination",
    "DisposableDomain",
    "Edition",
    "EditionPicture",
    "EditionProbe",
    "EditionReport",
    "EditionRevision",
    "EditionTotal",
    "GrowthMonth",
    "ImportRow",
    "Notice",
    "Place",
    "RateWindow",
    "RecoveryCode",
    "Region",
    "SenderRun",
    "SendingDay",
    "SendingGuard",
    "Shard",
    "Subscriber",
    "SubscriberImport",
    "Subscription",
    "Suppression",
    "UnsavedUpdate",
    "UpdateVersion",
]
