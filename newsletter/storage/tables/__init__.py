"""The tables. Constraints keep the rules, so that code only has to handle the conflict."""

from newsletter.storage.columns import Base
from newsletter.storage.tables.admins import Admin, AdminSession
from newsletter.storage.tables.content import CompiledEdition, CountryUpdate, Edition, EditionPicture, Place, Region
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
    "Base",
    "CompiledEdition",
    "Consent",
    "CountryUpdate",
    "Delivery",
    "Destination",
    "DisposableDomain",
    "Edition",
    "EditionPicture",
    "EditionTotal",
    "Notice",
    "Place",
    "RateWindow",
    "Region",
    "SenderRun",
    "SendingDay",
    "SendingGuard",
    "Shard",
    "Subscriber",
    "Subscription",
    "Suppression",
]
