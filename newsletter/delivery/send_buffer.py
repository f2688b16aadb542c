"""Bytes that wait to be written, in the pieces they came in: a message's content is never copied."""

from collections import deque


class SendBuffer:
    """A queue of pieces. Its reader writes what is in `pieces`, and says with `sent` how much went out."""

    __slots__ = ("pieces", "unsent")

    def __init__(self) -> None:
        self.pieces: deque[bytes | memoryview] = deque()
        self.unsent = 0  #: octets

    def add(self, piece: bytes) -> None:
        if piece:
            self.pieces.append(piece)
            self.unsent += len(piece)

    def joined(self) -> bytes | memoryview:
        """All that waits as one piece, of which there must be some."""
        if len(self.pieces) > 1:
            whole = b"".join(self.pieces)
            self.pieces.clear()
            self.pieces.append(whole)
        return self.pieces[0]

    def sent(self, count: int) -> None:
        """Take off the first `count` octets."""
        self.unsent -= count
        if not self.unsent:
            self.pieces.clear()
            return
        while count:
            piece = self.pieces.popleft()
            if count < len(piece):
                self.pieces.appendleft(memoryview(piece)[count:])
                return
            count -= len(piece)
