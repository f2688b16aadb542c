"""A relay for tests: real SMTP on a real socket, which keeps what it takes and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread

OFFERS = ("PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Taken:
    """One message, as it was when its dot arrived."""

    mail_from: str
    rcpt_to: str
    data: bytes


class Relay:
    """Keeps each message at its dot, waits `delay` seconds, and then answers; `answer` may choose what to RCPT."""

    def __init__(
        self,
        *,
        delay: float = 0.0,
        answer_rcpt: Callable[[str], str] = lambda _address: "250 2.1.5 ok",
        answer_dot: Callable[[str], str] = lambda _address: "250 2.0.0 taken",
    ) -> None:
        self._delay = delay
        self._answer_rcpt = answer_rcpt
        self._answer_dot = answer_dot
        self._changed = Condition()
        self._taken: list[Taken] = []
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    def taken(self) -> list[Taken]:
        """All that arrived so far, in order."""
        with self._changed:
            return list(self._taken)

    def wait_for(self, count: int, timeout: float = 60.0) -> None:
        """Until at least `count` messages have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._taken) >= count, timeout)
        assert arrived, f"only {len(self._taken)} of {count} messages arrived"

    def __enter__(self) -> Relay:
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 relay.example.org ESMTP\r\n")
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mail_from = rcpt_to = ""
        while line := (await reader.readuntil(b"\r\n")).decode().rstrip("\r\n"):
            verb = line[:4].upper()
            reply = "250 2.0.0 ok"
            if verb == "EHLO":
                reply = "\r\n".join(("250-relay.example.org", *(f"250-{offer}" for offer in OFFERS), "250 HELP"))
            elif verb == "MAIL":
                mail_from, rcpt_to = _path(line), ""
            elif verb == "RCPT":
                reply = self._answer_rcpt(_path(line))
                rcpt_to = _path(line) if reply.startswith("2") else ""
            elif verb == "DATA" and not rcpt_to:
                reply = "554 5.5.1 no valid recipients"
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                reply = await self._take(mail_from, rcpt_to, await reader.readuntil(b"\r\n.\r\n"))
            elif verb == "QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            writer.write(reply.encode() + b"\r\n")

    async def _take(self, mail_from: str, rcpt_to: str, content: bytes) -> str:
        reply = self._answer_dot(rcpt_to)
        if reply.startswith("2"):
            data = content.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
            with self._changed:
                self._taken.append(Taken(mail_from, rcpt_to, data))
                self._changed.notify_all()
        await asyncio.sleep(self._delay)
        return reply


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
