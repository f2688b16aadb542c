"""The List-* fields (RFC 2369, RFC 2919, RFC 8058) of every mail from the list."""

from __future__ import annotations

from newsletter.mail.headers import structured
from newsletter.mail.publication import Publication


def list_fields(publication: Publication) -> list[bytes]:
    """What tells a client that this is a list, and which."""
    links = publication.links
    return [
        structured("List-Id", f"<updates.{publication.domain}>"),
        structured("List-Help", f"<{links.home()}>"),
        structured("List-Owner", f"<mailto:{publication.sender_address}>"),
        structured("List-Subscribe", f"<{links.home()}subscribe>"),
        structured("List-Archive", f"<{links.editions()}>"),
        structured("List-Post", "NO"),
    ]


def list_unsubscribe(token: str, publication: Publication) -> bytes:
    """List-Unsubscribe with the one-click https address (RFC 8058) and, for old clients, a mail to the sender."""
    https = f"{publication.links.unsubscribe_prefix}{token}"
    mailto = f"mailto:{publication.sender_address}?subject=unsubscribe%20{token}"
    return b"List-Unsubscribe: <%b>,\r\n <%b>\r\n" % (https.encode("ascii"), mailto.encode("ascii"))
