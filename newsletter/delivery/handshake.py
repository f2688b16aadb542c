"""The beginning of an SMTP session: greeting, EHLO, STARTTLS, AUTH. Bytes in, bytes out, no I/O.

RFC 5321, 4.1.1.1 (EHLO, and HELO for relays that don't know it), RFC 3207 (STARTTLS: everything learnt before it is
forgotten), RFC 4954 (AUTH; what is said in it: `login`). A password or a token goes only over an encrypted connection,
or to a relay on this machine.
"""

from collections.abc import Callable

from newsletter.delivery.login import Login
from newsletter.delivery.offers import Offers, parse_offers
from newsletter.delivery.outcome import Phase
from newsletter.delivery.reply import ProtocolError, Reply, ReplyReader
from newsletter.delivery.send_buffer import SendBuffer
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable


class Handshake:
    """Until `offers` is set, the session is not ready for mail. While `wants_tls`, it waits for `tls_started`."""

    def __init__(self, settings: RelaySettings, read_token: Callable[[], str], *, plain: bool = False) -> None:
        """`read_token` is asked when XOAUTH2 is due; it raises RelayUnavailable where there is no token.

        With `plain`, STARTTLS is left alone although it may be used: the last attempt at it failed.
        """
        self.buffer = SendBuffer()
        self.reader = ReplyReader()
        self.phase = Phase.GREETING  #: whose reply is due
        self.offers: Offers | None = None
        self.wants_tls = settings.tls is TlsMode.IMPLICIT
        self._settings = settings
        self._plain = plain
        self._encrypted = False
        self._pending = Offers()  #: what holds once AUTH is through
        self._read_token = read_token
        self._login: Login | None = None
        self._handlers: dict[Phase, Callable[[Reply], None]] = {
            Phase.GREETING: self._on_greeting,
            Phase.EHLO: self._on_ehlo,
            Phase.HELO: self._on_helo,
            Phase.STARTTLS: self._on_starttls,
            Phase.AUTH: self._on_auth,
        }

    def receive(self, data: bytes) -> bool:
        """Take in what was read; True if it completed a reply. Raises RelayError if there will be no session."""
        handled = False
        for reply in self.reader.read(data):
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
        if self._settings.username is None:
            self.offers = offers
            return
        if not self._encrypted and not self._settings.is_loopback:
            raise _no_plain_password(self._settings.tls)
        self._pending = offers
        self._login = Login(self._settings, offers.auth, self._read_token)
        self._say(Phase.AUTH, self._login.command)

    def _on_auth(self, reply: Reply) -> None:
        if self._login is None:
            raise ProtocolError("the relay answered to no login", reply_code=reply.code)
        if reply.code == 334:
            self._say(Phase.AUTH, self._login.answer(reply))
            return
        if reply.code != 235:
            raise self._login.refusal(reply)
        self._login = None
        self.offers = self._pending


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
