"""Who publishes: what every mail says of its sender, and where its links go."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address as HeaderAddress

from newsletter.mail.links import Links


@dataclass(frozen=True, slots=True)
class Publication:
    """The publisher's side of a mail; the same for all readers."""

    title: str  #: the digest's name, as the masthead shows it
    sender_name: str
    sender_address: str
    postal_address: str | None  #: one line or more; an edition can't be approved without it
    links: Links

    @property
    def domain(self) -> str:
        """The sender's domain; message ids, list id and envelope senders lie in it, so that they are aligned."""
        return self.sender_address.rpartition("@")[2]

    @property
    def sender(self) -> str:
        """The From header's value."""
        return str(HeaderAddress(self.sender_name, addr_spec=self.sender_address))
