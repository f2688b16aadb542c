"""The beginning of an SMTP session: greeting, EHLO, STARTTLS, AUTH. Bytes in, bytes out, no I/O.

RFC 5321, 4.1.1.1 (EHLO, and HELO for relays that don't know it), RFC 3207 (STARTTLS: everything learnt before it is
forgotten), RFC 4954 with RFC 4616 (AUTH PLAIN) and the older LOGIN. A password goes only over an encrypted
connection, or to a relay on this machine.
"""

from base64 import b64encode
from collections.abc import Callable

from newsletter.delivery.offers import Offers, parse_offers
from newsletter.delivery.outcome import Phase
from newsletter.delivery.reply import ProtocolError, Reply, ReplyReader
from newsletter.delivery.send_buffer import SendBuffer
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable


class Handshake:
    """Until `offers` is set, the session is not ready for mail. While `wants_tls`, it waits for `tls_started`."""

    def __init__(self, settings: RelaySettings, *, plain: bool = False) -> None:
        """With `plain`, STARTTLS is left alone although it may be used: the last attempt at it failed."""
        self.buffer = SendBuffer()
        self.reader = ReplyReader()
        self.phase = Phase.GREETING  #: whose reply is due
        self.offers: Offers | None = None
        self.wants_tls = settings.tls is TlsMode.IMPLICIT
        self._settings = settings
        self._plain = plain
        self._encrypted = False
        self._pending = Offers()  #: what holds once AUTH is through
        self._secrets: list[str] = []  #: what AUTH still has to say, the next one last
        self._handlers: dict[Phase, Callable[[Reply], None]] = {
            Phase.GREETING: self._on_greeting,
            Phase.EHLO: self._on_ehlo,
            Phase.HELO: self._on_helo,
            Phase.STARTTLS: self._on_starttls,
            Phase.AUTH: self._on_auth,
        }

    def receive(self, data: bytes) -> bool:
        """Take in what was read; True if it completed a reply. Raises RelayError if there will be no session."""
        self.reader.feed(data)
        handled = False
        while (reply := self.reader.next_reply()) is not None:
            if self.wants_tls or self.offers is not None:
                # In the case of STARTTLS, somebody put in a reply to be believed later (RFC 3207, 6).
                raise ProtocolError("the relay sent more than it was asked for", reply_code=reply.code)
            self._handlers[self.phase](reply)
            handled = True
        if self.reader.has_rest and (self.wants_tls or self.offers is not None):
            raise ProtocolError("the relay sent more than it was asked for")
        return handled

    def tls_started(self) -> None:
        """Go on encrypted, from the greeting or from a second EHLO (RFC 3207, 4.2)."""
        self.wants_tls = False
        self._encrypted = True
        if self.phase is Phase.STARTTLS:
            self._say_hello()

    def _say(self, phase: Phase, line: str) -> None:
        self.phase = phase
        self.buffer.add(f"{line}\r\n".encode())

    def _say_hello(self) -> None:
        self.reader.lines = []
        self._say(Phase.EHLO, f"EHLO {self._settings.helo_name}")

    def _on_greeting(self, reply: Reply) -> None:
        if reply.code != 220:
            raise _failure("doesn't take us in", reply)
        self._say_hello()

    def _on_ehlo(self, reply: Reply) -> None:
        if reply.code in (500, 501, 502, 504, 550):
            self._say(Phase.HELO, f"HELO {self._settings.helo_name}")
            return
        if reply.code != 250:
            raise _failure("refuses EHLO", reply)
        self._secure_or_go_on(parse_offers(self.reader.lines))

    def _on_helo(self, reply: Reply) -> None:
        if reply.code != 250:
            raise _failure("refuses EHLO and HELO", reply)
        self._secure_or_go_on(Offers())

    def _secure_or_go_on(self, offers: Offers) -> None:
        mode = self._settings.tls
        if self._encrypted or mode is TlsMode.NONE or self._plain:
            self._log_in(offers)
        elif offers.starttls:
            self._say(Phase.STARTTLS, "STARTTLS")
        elif mode is TlsMode.REQUIRED:
            raise RelayUnavailable("the relay offers no encryption (STARTTLS), and it is required")
        else:
            self._log_in(offers)

    def _on_starttls(self, reply: Reply) -> None:
        if reply.code == 220:
            self.wants_tls = True
            return
        if self._settings.tls is TlsMode.REQUIRED:
            raise RelayUnavailable(f"the relay refuses to encrypt: {reply}", reply_code=reply.code)
        self._plain = True
        self._say_hello()

    def _log_in(self, offers: Offers) -> None:
        user, password = self._settings.username, self._settings.password
        if user is None or password is None:
            self._finish(offers)
            return
        if not self._encrypted and not self._settings.is_loopback:
            raise _no_plain_password(self._settings.tls)
        self._pending = offers
        if "PLAIN" in offers.auth:
            # Said with the command; once more for a relay that asks for it all the same.
            self._secrets = [_base64(f"\0{user}\0{password}")]
            self._say(Phase.AUTH, f"AUTH PLAIN {self._secrets[0]}")
        elif "LOGIN" in offers.auth:
            self._secrets = [_base64(password), _base64(user)]
            self._say(Phase.AUTH, "AUTH LOGIN")
        else:
            raise RelayRefused(
                "the relay offers no AUTH PLAIN or LOGIN; leave user and password out, or turn it on there"
            )

    def _on_auth(self, reply: Reply) -> None:
        if reply.code == 334 and self._secrets:
            self._say(Phase.AUTH, self._secrets.pop())
        elif reply.code == 235:
            self._finish(self._pending)
        else:
            raise _failure("refuses the user or the password", reply)

    def _finish(self, offers: Offers) -> None:
        self._secrets = []
        self.offers = offers


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _no_plain_password(mode: TlsMode) -> RelayError:
    if mode is TlsMode.NONE:
        return RelayRefused("the password would go over the network in plain text; set tls=required for the relay")
    return RelayUnavailable("the relay offers no encryption (STARTTLS), and the password must not go without it")


def _failure(what: str, reply: Reply) -> RelayError:
    """5yz: a person has to look; 4yz: later; anything else makes no sense here."""
    if reply.code >= 500:
        return RelayRefused(f"the relay {what}: {reply}", reply_code=reply.code)
    if reply.code >= 400:
        return RelayUnavailable(f"the relay {what}: {reply}", reply_code=reply.code)
    return ProtocolError(f"the relay answered out of turn: {reply}", reply_code=reply.code)
