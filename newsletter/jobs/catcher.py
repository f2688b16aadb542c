"""A relay that keeps what it gets and passes nothing on: the demo's, and what a test reads from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter.errors import SettingsError
from newsletter.jobs.sender import utc_now
from newsletter.mail.caught import CaughtMail

LARGEST_MESSAGE = 10_000_000


class Catcher:
    """An SMTP server on this machine. Use it as a context manager."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._messages: list[CaughtMail] = []
        self._controller = _Controller(
            _Handler(self._keep), hostname=host, port=port, data_size_limit=LARGEST_MESSAGE, enable_SMTPUTF8=True
        )
        self.host = host

    @property
    def port(self) -> int:
        """Where it listens, once it has started: for port 0 the system chooses one."""
        return int(self._controller.port)

    @property
    def url(self) -> str:
        """As SMTP_URL takes it."""
        return f"smtp://{self.host}:{self.port}?tls=none"

    def messages(self) -> Sequence[CaughtMail]:
        """All mail, the newest last."""
        with self._lock:
            return tuple(self._messages)

    def _keep(self, mail_from: str, rcpt_to: Sequence[str], data: bytes) -> None:
        with self._lock:
            number = len(self._messages) + 1
            self._messages.append(CaughtMail(number, self._clock(), mail_from, tuple(rcpt_to), data))

    def __enter__(self) -> Catcher:
        try:
            self._controller.start()
        except OSError as error:
            raise SettingsError(f"the mail catcher can't listen on {self.host}: {error.strerror or error}") from None
        return self

    def __exit__(self, *_exception: object) -> None:
        self._controller.stop()


class _Controller(Controller):
    """Learns which port the system chose, before it knocks there to see that the server answers."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd types it so


class _Handler:
    """What aiosmtpd calls for each message."""

    def __init__(self, keep: Callable[[str, Sequence[str], bytes], None]) -> None:
        self._keep = keep

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        self._keep(envelope.mail_from or "", envelope.rcpt_tos, content)
        return "250 2.0.0 kept"
