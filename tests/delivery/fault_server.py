"""An SMTP server that does one thing wrong, once, where it is told to, and is well-behaved otherwise."""

import select
import socket
import ssl
import struct
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong."""

    CLOSE = "close"
    RESET = "reset"
    CLOSING = "421"
    LATER = "451"
    NEVER = "550"
    HOLD = "hold"  #: the right reply, once `release` is set; then `released` is set
    HANG = "hang"  #: nothing is said any more
    GARBAGE = "garbage"
    SPLIT = "split"  #: the right reply, in pieces; content is read in pieces
    TRICKLE = "trickle"  #: a reply that never ends, a line at a time


@dataclass
class Received:
    """A message as it came over the wire, without its ending."""

    mail: bytes
    rcpt: bytes
    content: bytes = b""  #: dots still doubled


class _Over(Exception):
    """The connection has ended."""


@dataclass
class FaultServer:
    """`fault` happens at `verb` on the first connection that gets there."""

    verb: str = ""
    fault: Fault = Fault.CLOSE
    pipelining: bool = True
    tls: ssl.SSLContext | None = None
    times: int = 1  #: how often the fault happens
    most: int = 1000  #: connections at a time; for one more than that, `too_many` happens
    too_many: Fault = Fault.CLOSING
    host: str = "127.0.0.1"
    greeting: bytes = b"220 localhost ESMTP\r\n"
    offers: tuple[bytes, ...] = (b"8BITMIME", b"AUTH PLAIN")
    received: list[Received] = field(default_factory=list)
    connections: int = 0  #: accepted so far
    ended: int = 0  #: of these
    turned_away: int = 0  #: of these, since there were too many
    at_work: int = 0  #: open now, and not turned away
    most_at_once: int = 0  #: of these
    senders: int = 0  #: connections on which there was a MAIL
    commands: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at_fault = threading.Event()  #: set when the fault has begun
        self.release = threading.Event()
        self.released = threading.Event()
        self._stopping = threading.Event()
        self._deaf = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "FaultServer":
        self._server = socket.create_server((self.host, 0), backlog=100)
        # A system may buffer tens of megabytes by itself: then a whole message could be written that nobody reads.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        self.port: int = self._server.getsockname()[1]
        self._listener = self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: object, *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread

    def stop_listening(self) -> None:
        """From now on, connections are refused."""
        self._deaf.set()
        self._listener.join()

    def _accept(self) -> None:
        with self._server:
            while not self._stopping.is_set() and not self._deaf.is_set():
                if select.select([self._server], [], [], 0.02)[0]:
                    self._take_in(self._server.accept()[0])

    def _take_in(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            is_too_many = self.at_work >= self.most
            self.turned_away += is_too_many
            self.at_work += not is_too_many
            self.most_at_once = max(self.most_at_once, self.at_work)
        self._start(self._serve, connection, is_too_many)

    def _serve(self, connection: socket.socket, is_too_many: bool) -> None:
        session = _Session(self, connection)
        try:
            if is_too_many:
                session.turn_away()
            session.run()
        except (_Over, OSError):
            pass
        finally:
            with self._lock:
                self.ended += 1
                self.at_work -= not is_too_many
            session.socket.close()

    def wait(self, seconds: float = 0.0) -> None:
        if self._stopping.wait(seconds):
            raise _Over

    def is_fault(self, verb: str) -> bool:
        with self._lock:
            if verb != self.verb or not self.times:
                return False
            self.times -= 1
            return True


class _Session:
    def __init__(self, server: FaultServer, connection: socket.socket) -> None:
        self.server = server
        self.socket = connection
        self.socket.settimeout(0.02)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.mail: bytes | None = None
        self.rcpt: bytes | None = None
        self.has_sent = False

    def run(self) -> None:
        self.answer("CONNECT", self.server.greeting)
        while True:
            line = self.read_until(b"\r\n")
            self.server.commands.append(line)
            verb = line.split()[0].upper().decode()
            getattr(self, f"do_{verb.lower()}")(verb, line)

    def read_until(self, end: bytes) -> bytes:
        while end not in self.data:
            self.read_more()
        found, self.data = self.data.split(end, 1)
        return found

    def read_more(self, most: int = 65536) -> None:
        try:
            data = self.socket.recv(most)
        except TimeoutError:
            self.server.wait()
            return
        if not data:
            raise _Over
        self.data += data

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, verb: str, reply: bytes) -> bool:
        """Reply, or do what is wrong; whether the reply was the right one."""
        if not self.server.is_fault(verb):
            self.send(reply)
            return True
        self.server.at_fault.set()
        fault = self.server.fault
        if fault is Fault.SPLIT:
            for at in range(len(reply)):
                self.send(reply[at : at + 1])
            return True
        if fault is Fault.HOLD:
            while not self.server.release.wait(0.02):
                self.server.wait()
            self.send(reply)
            self.server.released.set()
            return True
        if fault in (Fault.LATER, Fault.NEVER):
            self.send(f"{fault} no\r\n".encode())
            return False
        self.misbehave(fault)
        raise _Over

    def misbehave(self, fault: Fault) -> None:
        if fault is Fault.CLOSE:
            return
        if fault is Fault.RESET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if fault is Fault.CLOSING:
            self.send(b"421 closing\r\n")
        if fault is Fault.GARBAGE:
            self.send(b"\x00\xffgarbage\r\n")
        while fault is Fault.TRICKLE:
            self.send(b"2")
            self.server.wait(0.02)
        while True:  # until the client goes
            self.data = b""
            self.read_more()

    def turn_away(self) -> None:
        if self.server.too_many in (Fault.LATER, Fault.NEVER):
            self.send(f"{self.server.too_many} too many connections\r\n".encode())
            raise _Over
        self.misbehave(self.server.too_many)
        raise _Over

    def do_ehlo(self, verb: str, _line: bytes) -> None:
        offers = [b"localhost", *self.server.offers]
        if self.server.pipelining:
            offers.append(b"PIPELINING")
        if self.server.tls is not None and not isinstance(self.socket, ssl.SSLSocket):
            offers.append(b"STARTTLS")
        lines = [b"250-" + offer for offer in offers[:-1]] + [b"250 " + offers[-1]]
        self.answer(verb, b"\r\n".join(lines) + b"\r\n")

    def do_helo(self, verb: str, _line: bytes) -> None:
        self.answer(verb, b"250 localhost\r\n")

    def do_starttls(self, verb: str, _line: bytes) -> None:
        assert self.server.tls is not None
        if not self.answer(verb, b"220 go\r\n"):
            return
        if self.server.is_fault("TLS"):
            self.server.at_fault.set()
            self.misbehave(self.server.fault)
            raise _Over
        self.socket.settimeout(10)
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self.socket.settimeout(0.02)

    def do_auth(self, verb: str, line: bytes) -> None:
        right = line == b"AUTH PLAIN " + b64encode(b"\0user\0hunter2")
        self.answer(verb, b"235 ok\r\n" if right else b"535 5.7.8 wrong\r\n")

    def do_mail(self, verb: str, line: bytes) -> None:
        if not self.has_sent:
            self.has_sent = True
            with self.server._lock:
                self.server.senders += 1
        if self.mail is not None:
            self.send(b"503 5.5.1 nested MAIL\r\n")
        elif self.answer(verb, b"250 2.1.0 ok\r\n"):
            self.mail = line

    def do_rcpt(self, verb: str, line: bytes) -> None:
        if self.mail is None:
            self.send(b"503 5.5.1 MAIL first\r\n")
        elif self.answer(verb, b"250 2.1.5 ok\r\n"):
            self.rcpt = line

    def do_rset(self, verb: str, _line: bytes) -> None:
        self.mail = self.rcpt = None
        self.answer(verb, b"250 2.0.0 ok\r\n")

    def do_quit(self, verb: str, _line: bytes) -> None:
        self.answer(verb, b"221 2.0.0 bye\r\n")
        raise _Over

    def do_data(self, verb: str, _line: bytes) -> None:
        if self.mail is None or self.rcpt is None:
            self.send(b"503 5.5.1 RCPT first\r\n")
            return
        if not self.answer(verb, b"354 go\r\n"):
            return
        if self.server.verb == "body" and self.server.times:
            self.fail_in_body()
        message = Received(self.mail, self.rcpt)
        self.mail = self.rcpt = None
        self.data = b"\r\n" + self.data
        message.content = (self.read_until(b"\r\n.\r\n") + b"\r\n")[2:]
        self.server.received.append(message)
        self.answer("dot", b"250 2.0.0 queued\r\n")

    def fail_in_body(self) -> None:
        """Read a little of the content, and let the rest fill up the buffers on its way."""
        while len(self.data) < 1000:
            self.read_more()
        if self.server.fault is Fault.SPLIT and self.server.is_fault("body"):
            for _ in range(1000):
                self.read_more(7)
            return
        if not self.server.is_fault("body"):
            return
        self.server.at_fault.set()
        fault = self.server.fault
        if fault in (Fault.LATER, Fault.NEVER, Fault.CLOSING, Fault.GARBAGE):
            self.send(b"\x00\xffgarbage\r\n" if fault is Fault.GARBAGE else f"{fault} no\r\n".encode())
        elif fault is not Fault.HANG:
            self.misbehave(fault)
            raise _Over
        while True:  # nothing is read any more: else all may be written before the client looks at the reply
            self.server.wait(0.02)
