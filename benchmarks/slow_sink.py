"""A relay that takes everything, and answers a message only after a while, as one does that writes it to a disk.

Run it by `benchmarks.relay.slow_sink`. It is one thread with one buffer a connection, and understands no more of SMTP
than it must, so that it is not what is measured.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections import deque

READ_SIZE = 262_144  #: octets
_END = b"\r\n.\r\n"
_OFFERS = b"250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
_REPLIES = {b"EHLO": _OFFERS, b"HELO": b"250 sink.example.org\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Sink:
    """All connections, and those whose answer is not due yet: the delay is always the same, so they stay in order."""

    def __init__(self, listener: socket.socket, delay: float) -> None:
        self._listener = listener
        self._delay = delay
        self._delayed: deque[tuple[float, Session]] = deque()
        # Not epoll: it counts in milliseconds, of which the delay may be a few only.
        self._selector = selectors.SelectSelector()
        self._selector.register(listener, selectors.EVENT_READ, None)

    def run(self) -> None:
        """Serve until the process is ended."""
        while True:
            wait = self._delayed[0][0] - time.monotonic() if self._delayed else None
            for key, _ in self._selector.select(None if wait is None else max(0.0, wait)):
                self._serve(key.data)
            now = time.monotonic()
            while self._delayed and self._delayed[0][0] <= now:
                self._answer(self._delayed.popleft()[1])

    def _serve(self, session: Session | None) -> None:
        if session is None:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(connection, selectors.EVENT_READ, Session(connection))
            return
        try:
            data = session.connection.recv(READ_SIZE)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(session.connection)
            session.connection.close()
            session.is_closed = True
            return
        session.received += data
        if not session.is_waiting:
            self._go_on(session)

    def _answer(self, session: Session) -> None:
        if session.is_closed:
            return
        session.is_waiting = False
        session.replies += b"250 2.0.0 taken\r\n"
        self._go_on(session)

    def _go_on(self, session: Session) -> None:
        if session.read():
            self._delayed.append((time.monotonic() + self._delay, session))
        session.flush()


class Session:
    """One connection. What comes behind a message waits until that is answered."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""
        self.replies = b"220 sink.example.org ESMTP\r\n"
        self.is_waiting = False  #: for the answer to a message
        self.is_closed = False
        self._is_in_message = False
        self._looked_at = 0  # octets of the message in which its end is not
        self.flush()

    def read(self) -> bool:
        """Understand what was received; whether a message has ended."""
        while True:
            if self._is_in_message:
                self.is_waiting = self._read_message()
                return self.is_waiting
            line, found, rest = self.received.partition(b"\r\n")
            if not found:
                return False
            self.received = rest
            verb = line[:4].upper()
            self.replies += _REPLIES.get(verb, b"250 2.0.0 ok\r\n")
            self._is_in_message = verb == b"DATA"
            self._looked_at = 0

    def _read_message(self) -> bool:
        end = self.received.find(_END, self._looked_at)
        if end < 0:
            self._looked_at = max(0, len(self.received) - len(_END) + 1)
            return False
        self.received = self.received[end + len(_END) :]
        self._is_in_message = False
        return True

    def flush(self) -> None:
        """Send the replies; they are few, and a client that doesn't read them is none of ours."""
        if self.replies:
            self.connection.sendall(self.replies)
            self.replies = b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=5.0, help="milliseconds until a message is answered")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", arguments.port), backlog=128) as listener:
        Sink(listener, arguments.delay / 1000).run()


if __name__ == "__main__":
    main()
