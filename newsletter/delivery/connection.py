"""One connection to the relay: a socket that never blocks, with TLS or without, around a session.

The order of steps: connect, TLS if implicit, Handshake (which may ask for TLS in between), Conversation. TLS is
RFC 8446 as the ssl module does it; its handshake goes on whenever the socket is ready.
"""

import math
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Final

from newsletter.delivery.access_token import read_token
from newsletter.delivery.handshake import Handshake
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Phase
from newsletter.delivery.protocol import Conversation
from newsletter.delivery.route import Address
from newsletter.delivery.send_buffer import SendBuffer
from newsletter.delivery.settings import RelaySettings
from newsletter.delivery.tls import TlsChannel
from newsletter.errors import RelayError, RelayUnavailable

IDLE_SECONDS: Final = 60.0  #: an unused connection is ended after this
READ_SIZE: Final = 65536  #: octets

_NOT_NOW: Final = (BlockingIOError, InterruptedError)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections of a pool share."""

    settings: RelaySettings
    selector: BaseSelector
    tls: ssl.SSLContext
    begin: Callable[[Offers], Conversation]  #: makes the session's second part
    look_at: "Callable[[Connection, float], None]"  #: to be told when `handle` says so


class Connection:
    """Fed by `handle` with what the selector saw. Ends itself when it must: then `is_closed`, and `error` says why."""

    def __init__(self, address: Address, around: Surroundings, *, now: float, plain: bool = False) -> None:
        """Begin to connect. Raises OSError if that fails at once."""
        timeouts = around.settings.timeouts
        self.address = address
        self.talk: Conversation | None = None  #: once the session is ready for mail
        self.error: RelayError | None = None  #: None if it ended as it should
        self.is_closed = False
        self.is_parked = False  #: for the pool: it is among the idle ones
        self.phase: Phase | None = Phase.CONNECT  #: until a socket with or without TLS is there, what goes on
        self.deadline = now + timeouts.connect
        self.heard_at = -math.inf  #: when the last reply came
        self.moved_at = now  #: when the last reply came, or something was written
        self.around = around
        self._waits = timeouts.by_phase
        self._handshake = Handshake(around.settings, partial(read_token, around.settings.token_file), plain=plain)
        self._buffer: SendBuffer = self._handshake.buffer
        self._now = now
        self._tls: TlsChannel | None = None
        self._cipher = b""  #: encrypted, and not yet written
        self._cipher_of = 0  #: octets of the buffer that it was made from
        self._is_writing = True  #: the selector is to tell when writing is possible
        family, target = address
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(BlockingIOError):
                self._socket.connect(target)
            around.selector.register(self._socket.fileno(), EVENT_READ | EVENT_WRITE, self)
        except OSError:
            self._socket.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether it is ready, and nothing is under way."""
        return self.talk is not None and self.talk.phase is None and not self.is_closed

    @property
    def is_leaving(self) -> bool:
        """Whether it is about to end: QUIT was said."""
        return self.talk is not None and self.talk.phase is Phase.QUIT

    def handle(self, events: int, now: float) -> bool:
        """Do what can be done without waiting; whether the pool has to look: it is not just sending messages."""
        self._now = now
        try:
            if self.phase is None:
                self._converse(events)
            elif self.phase is Phase.CONNECT:
                self._finish_connecting()
            else:
                self._converse_about_tls(events)
        except RelayError as error:
            self.close(error)
        except OSError as error:
            self.close(RelayUnavailable(self._describe(error)))
        talk = self.talk
        return talk is None or self.is_closed or talk.phase is None

    def start(self, now: float) -> bool:
        """Begin to send what waits; whether anything is under way."""
        if self.talk is None or not self.talk.start():
            return False
        self.handle(0, now)
        return True

    def quit(self, now: float) -> None:
        """Take leave; to be called when idle."""
        if self.talk is not None:
            self.talk.quit()
            self.handle(0, now)

    def expire(self, now: float) -> None:
        """The deadline has passed."""
        if self.is_idle:
            self.quit(now)
        elif self.is_leaving:
            self.close(None)
        else:
            self.close(RelayUnavailable(f"the relay kept us waiting too long {self._waiting_for()}"))

    def close(self, error: RelayError | None) -> None:
        """End it without a word, and tell the outcomes of what was under way."""
        if self.is_closed:
            return
        self.error = None if self.talk is not None and self.talk.is_at_rest else error
        self.is_closed = True
        self.around.selector.unregister(self._socket.fileno())
        self._socket.close()
        if self.talk is not None:
            self.talk.abandon()

    def _converse(self, events: int) -> None:
        progress = bool(events & EVENT_READ) and self._read()
        if progress:
            self.heard_at = self._now
        if self.phase is None and self._buffer.unsent and not self.is_closed:
            progress = self._write() or progress
        if progress:
            self._set_deadline()

    def _finish_connecting(self) -> None:
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, "")
        if self._handshake.wants_tls:
            self._start_tls()
            return
        self._listen()

    def _start_tls(self) -> None:
        self.phase = Phase.TLS
        self.deadline = self._now + self._waits[Phase.TLS]
        self._tls = TlsChannel(self.around.tls, self.around.settings.host)
        self._shake_hands(self._tls)

    def _converse_about_tls(self, events: int) -> None:
        if self._tls is None:
            return
        if events & EVENT_READ:
            self._tls.feed(self._receive())
        self._shake_hands(self._tls)

    def _shake_hands(self, tls: TlsChannel) -> None:
        try:
            is_done = tls.shake_hands()
        except ssl.SSLError:
            with suppress(OSError):
                self._socket.send(tls.take_output())  # tells the relay why
            raise
        self._cipher += tls.take_output()
        self._write()
        if not is_done:
            return
        self._handshake.tls_started()
        self._listen()
        self._digest(tls.decrypt())
        self._write()

    def _listen(self) -> None:
        self.phase = None
        self._watch_writing(False)
        self._set_deadline()

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(READ_SIZE)
        except _NOT_NOW:
            return b""
        if not data:
            raise RelayUnavailable("the relay closed the connection")
        return data

    def _read(self) -> bool:
        """Take in what is there; whether a whole reply was."""
        data = self._receive()
        if self._tls is not None:
            self._tls.feed(data)
            data = self._tls.decrypt()
        return self._digest(data)

    def _digest(self, data: bytes) -> bool:
        if self.talk is None:
            return self._digest_handshake(data)
        handled = self.talk.receive(data)
        if self.talk.over:
            self.close(None)
        return handled

    def _digest_handshake(self, data: bytes) -> bool:
        handled = self._handshake.receive(data)
        if self._handshake.wants_tls:
            self._start_tls()
        elif self._handshake.offers is not None:
            self.talk = self.around.begin(self._handshake.offers)
            self._buffer = self.talk.buffer
        return handled

    def _write(self) -> bool:
        """Write what the socket takes; whether it took anything."""
        before = self._buffer.unsent
        try:
            if self._tls is not None:
                self._write_encrypted(self._tls)
            elif before:
                self._buffer.sent(self._socket.sendmsg(self._buffer.pieces))
        except _NOT_NOW:
            pass
        except OSError:
            self._hear_last_words()
            raise
        is_left = bool(self._buffer.unsent or self._cipher)
        if self._is_writing != is_left:
            self._watch_writing(is_left)
        return self._buffer.unsent < before

    def _write_encrypted(self, tls: TlsChannel) -> None:
        while self._cipher or self._buffer.unsent:
            if not self._cipher:
                self._cipher_of = tls.encrypt(self._buffer.joined())
                self._cipher = tls.take_output()
            written = self._socket.send(self._cipher)
            self._cipher = self._cipher[written:]
            if not self._cipher:
                self._buffer.sent(self._cipher_of)
                self._cipher_of = 0

    def _hear_last_words(self) -> None:
        """Writing failed: the relay may have said why before it hung up."""
        with suppress(OSError):
            while self.phase is None and not self.is_closed and self._read():
                pass

    def _watch_writing(self, wanted: bool) -> None:
        if wanted != self._is_writing:
            self._is_writing = wanted
            events = EVENT_READ | EVENT_WRITE if wanted else EVENT_READ
            self.around.selector.modify(self._socket.fileno(), events, self)

    def _set_deadline(self) -> None:
        if self.is_closed or self.phase is not None:
            return
        self.moved_at = self._now
        if self._buffer.unsent:
            self.deadline = self._now + self.around.settings.timeouts.block
            return
        phase = self._handshake.phase if self.talk is None else self.talk.phase
        self.deadline = self._now + (IDLE_SECONDS if phase is None else self._waits[phase])

    def _waiting_for(self) -> str:
        phase = self.phase
        if phase is None and self._buffer.unsent:
            return "while it was being written to"
        if phase is None:
            phase = self._handshake.phase if self.talk is None else self.talk.phase
        return f"({phase.name})" if phase is not None else ""

    def _describe(self, error: OSError) -> str:
        where = self.around.settings.name
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of {where} is not valid: {error.verify_message}"
        if isinstance(error, ssl.SSLError):
            return f"encryption with {where} failed: {error.reason or type(error).__name__}"
        return f"no connection to {where}: {_reason(error)}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
