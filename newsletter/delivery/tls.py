"""TLS between two buffers, without a socket: the connection moves the bytes.

That keeps the socket the connection's own from beginning to end, and tells exactly which content has left: octets count
as written when the whole of what they were encrypted to has been.
"""

import ssl
from typing import Final

from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.errors import SettingsError

RECORD: Final = 16384  #: octets of content in a TLS record (RFC 8446, 5.1)
MOST_AHEAD: Final = 4 * RECORD  #: octets encrypted before the socket has taken them


def make_tls_context(settings: RelaySettings) -> ssl.SSLContext:
    """What to ask of the relay's certificate. Raises SettingsError if `ca_file` can't be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file is not None:
        trust(context, settings.ca_file)
    if settings.tls is TlsMode.OPPORTUNISTIC:
        # What may as well be plain gains nothing from a check, and loses all encryption by it (RFC 7435).
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def trust(context: ssl.SSLContext, ca_file: str) -> None:
    """Trust the certificates in a file. Raises SettingsError if it can't be read, or holds none."""
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise SettingsError(f"{ca_file} holds no certificate in PEM") from None
    except OSError as error:
        raise SettingsError(f"{ca_file} can't be read: {error.strerror}") from None


class TlsChannel:
    """One side of one TLS connection."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def feed(self, data: bytes) -> None:
        """Take in what came over the network."""
        self._incoming.write(data)

    def shake_hands(self) -> bool:
        """Go on with the handshake; True when it is done. Raises ssl.SSLError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self) -> bytes:
        """What can be read by now. Raises ssl.SSLError."""
        pieces: list[bytes] = []
        try:
            while piece := self._object.read(RECORD):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        return b"".join(pieces)

    def encrypt(self, data: bytes | memoryview) -> int:
        """Encrypt the beginning of `data`; how many octets of it."""
        view = memoryview(data)[:MOST_AHEAD]
        done = 0
        while done < len(view):
            done += self._object.write(view[done : done + RECORD])
        return done

    def take_output(self) -> bytes:
        """What is to go over the network."""
        return self._outgoing.read()
