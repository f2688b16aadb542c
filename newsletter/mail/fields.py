"""The List-* fields (RFC 2369, RFC 2919, RFC 8058) of every mail from the list."""

from __future__ import annotations

from urllib.parse import quote

from newsletter.mail.headers import structured
from newsletter.mail.publication import Publication


def list_fields(publication: Publication) -> list[bytes]:
    """What tells a client that this is a list, and which."""
    links = publication.links
    return [
        structured("List-Id", f"<updates.{publication.domain}>"),
        structured("List-Help", f"<{links.home()}>"),
        structured("List-Owner", f"<mailto:{_in_uri(publication.sender_address)}>"),
        structured("List-Subscribe", f"<{links.home()}subscribe>"),
        structured("List-Archive", f"<{links.editions()}>"),
        structured("List-Post", "NO"),
    ]


class ListUnsubscribe:
    """List-Unsubscribe with the one-click https address (RFC 8058) and, for old clients, a mail to the sender."""

    def __init__(self, publication: Publication) -> None:
        self._https = publication.links.unsubscribe_prefix.encode("ascii")
        self._mailto = f"mailto:{_in_uri(publication.sender_address)}?subject=unsubscribe%20".encode("ascii")

    def field(self, token: bytes) -> bytes:
        """The field for one reader."""
        return b"List-Unsubscribe: <%b%b>,\r\n <%b%b>\r\n" % (self._https, token, self._mailto, token)


def _in_uri(address: str) -> str:
    """An address as a mailto URI has it (RFC 6068, 2)."""
    return quote(address, safe="@!$'*+")
