"""DKIM signatures by as many processes as there are cores, while earlier messages are on their way.

A signature with an RSA key takes longer than all else that is done for a message. In threads of one process, all else
would wait for each other; so what is signed, a hash of 32 octets, goes through a pipe to processes that do nothing but
sign (jobs.signing_process). They hold no other secret than the keys, and end when their pipe does. Nobody waits for
them: what they have signed is asked for when their pipe can be read.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from types import TracebackType
from typing import Final, Self

from newsletter.delivery.message import OutgoingMessage
from newsletter.jobs.signing_pipe import SigningPipe
from newsletter.mail.dkim import Signer
from newsletter.mail.dkim.signing import Draft

log = logging.getLogger(__name__)

FEWEST: Final = 4  #: messages at once: fewer are signed here, and wait for no pipe
PIECE: Final = 8  #: messages at most that are signed before any of them is handed back
STUCK_SECONDS: Final = 10.0  #: a process that has not answered for so long is given up

Unsigned = tuple[OutgoingMessage, datetime]  # the time of its signature


@dataclass(slots=True, eq=False)
class Piece:
    """A few messages that are signed together."""

    unsigned: Sequence[Unsigned]
    drafts: Sequence[Draft]
    asked_at: float
    signed: list[OutgoingMessage] | None = None
    is_released: bool = False  #: they may be sent
    is_dropped: bool = False  #: nobody wants them any more


class SigningPool:
    """Signs messages, many at once. Its processes are started when there are first that many."""

    def __init__(
        self, signer: Signer | None, *, processes: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Without a signer it is off: messages come back as they are."""
        self.is_on = signer is not None
        self.pending = 0  #: messages that were released, and have not come back
        self.watch: Callable[[int], None] = _ignore  #: is told the descriptor that can be read when some are signed
        self.unwatch: Callable[[int], None] = _ignore  #: and before it is closed
        self._signer = signer
        self._clock = clock
        self._count = processes or os.cpu_count() or 1
        self._pipes: list[SigningPipe] = []
        self._asked: dict[SigningPipe, deque[Piece]] = {}
        self._released: dict[Piece, None] = {}  # and not signed yet
        self._done: list[OutgoingMessage] = []
        self._is_broken = False

    def begin(self, messages: Sequence[Unsigned]) -> list[Piece]:
        """Have messages signed, each as of a time: `release` or `drop` what is returned."""
        signer = self._signer
        if signer is None:
            return [Piece(messages, (), 0.0, [message for message, _ in messages])]
        pipes = self._ready(signer) if len(messages) >= FEWEST else []
        if not pipes:
            return [Piece(messages, (), 0.0, _sign(signer, messages))]
        size = min(PIECE, -(-len(messages) // len(pipes)))
        pieces = []
        for start, pipe in zip(range(0, len(messages), size), cycle(pipes), strict=False):
            part = messages[start : start + size]
            piece = Piece(part, [signer.draft(message.data, at=at) for message, at in part], self._clock())
            pieces.append(piece)
            self._ask(pipe, piece, signer)
        return pieces

    def release(self, pieces: Sequence[Piece]) -> None:
        """These may be sent: `ready` gives them as they are signed."""
        for piece in pieces:
            piece.is_released = True
            self.pending += len(piece.unsigned)
            if piece.signed is None:
                self._released[piece] = None
            else:
                self._done += piece.signed

    def drop(self, pieces: Sequence[Piece]) -> None:
        """These must not be sent: the tick that armed them failed."""
        for piece in pieces:
            piece.is_dropped = True

    def ready(self) -> list[OutgoingMessage]:
        """What was released and has been signed since this was asked last."""
        if self._released or self._done:
            self._hear()
        done, self._done = self._done, []
        self.pending -= len(done)
        return done

    def withdraw(self) -> list[OutgoingMessage]:
        """Take back all that was released and has not come back yet; they are not to be sent."""
        taken = self._done + [message for piece in self._released for message, _ in piece.unsigned]
        self.drop(list(self._released))
        self._done, self.pending = [], 0
        self._released.clear()
        return taken

    def close(self) -> None:
        """End the processes, until they are needed again."""
        for pipe in self._pipes:
            self.unwatch(pipe.fileno())
            pipe.close()
        self._pipes = []
        self._asked.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def attach(self, watch: Callable[[int], None], unwatch: Callable[[int], None]) -> None:
        """From now on these are told of the descriptors to read."""
        self.watch, self.unwatch = watch, unwatch
        for pipe in self._pipes:
            watch(pipe.fileno())

    def detach(self) -> None:
        """Nobody reads any more."""
        for pipe in self._pipes:
            self.unwatch(pipe.fileno())
        self.watch = self.unwatch = _ignore

    def _ready(self, signer: Signer) -> list[SigningPipe]:
        """The processes that can be asked; none where one has ended by itself. Nobody waits for one to start."""
        if self._is_broken:
            return []
        try:
            while len(self._pipes) < self._count:
                pipe = SigningPipe(signer.keys)
                self._pipes.append(pipe)
                self._asked[pipe] = deque()
                self.watch(pipe.fileno())
            self._hear()
            return [pipe for pipe in self._pipes if pipe.is_ready()]
        except OSError:
            self._break(signer)
            return []

    def _ask(self, pipe: SigningPipe, piece: Piece, signer: Signer) -> None:
        if self._is_broken:
            piece.signed = _sign(signer, piece.unsigned)
            return
        self._asked[pipe].append(piece)
        try:
            pipe.ask(b"".join([octets for draft in piece.drafts for octets in signer.hashes(draft)]))
        except OSError:
            self._break(signer)

    def _hear(self) -> None:
        """Read what the processes have answered."""
        signer = self._signer
        if signer is None or self._is_broken:
            return
        sizes = [key.signature_octets for key in signer.keys]
        try:
            for pipe, asked in self._asked.items():
                while asked and (answer := pipe.hear(sum(sizes) * len(asked[0].drafts))):
                    self._take(asked.popleft(), answer, sizes, signer)
                if asked and self._clock() - asked[0].asked_at > STUCK_SECONDS:
                    raise TimeoutError
        except OSError:
            self._break(signer)

    def _take(self, piece: Piece, answer: bytes, sizes: Sequence[int], signer: Signer) -> None:
        if piece.is_dropped:
            return
        signed = []
        start = 0
        for (message, _), draft in zip(piece.unsigned, piece.drafts, strict=True):
            signatures = []
            for size in sizes:
                signatures.append(answer[start : start + size])
                start += size
            signed.append(message._replace(data=signer.complete(draft, signatures) + message.data))
        self._is_signed(piece, signed)

    def _is_signed(self, piece: Piece, signed: list[OutgoingMessage]) -> None:
        piece.signed = signed
        if piece.is_released:
            del self._released[piece]
            self._done += signed

    def _break(self, signer: Signer) -> None:
        log.warning("a process that signs has ended or hangs; from now on the sender signs by itself")
        self._is_broken = True
        left = [piece for asked in self._asked.values() for piece in asked if not piece.is_dropped]
        self.close()
        for piece in left:
            self._is_signed(piece, _sign(signer, piece.unsigned))


def _sign(signer: Signer, messages: Sequence[Unsigned]) -> list[OutgoingMessage]:
    return [message._replace(data=signer.sign(message.data, at=at) + message.data) for message, at in messages]


def _ignore(_fileno: int) -> None:
    """Nobody watches the pipes."""
