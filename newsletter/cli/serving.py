"""A web server with scheduler and sender beside it: what `serve` and `demo` run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask
from waitress.server import create_server

from newsletter.config import Settings
from newsletter.errors import SettingsError
from newsletter.jobs import scheduler
from newsletter.jobs.service import SenderKeeper
from newsletter.storage.database import Database

WEB_THREADS = 8


class Server:
    """waitress, bound to its port from the start, so that a port that is taken is told before anything runs."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self._is_closed = False
        try:
            self._server = create_server(
                app,
                host=host,
                port=port,
                threads=WEB_THREADS,
                ident="newsletter",
                clear_untrusted_proxy_headers=False,  # web.proxies decides whom to believe
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(f"can't serve on {host}:{port} ({reason}); choose another with --port") from None

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C; requests that were taken are answered."""
        signal.signal(signal.SIGTERM, _stop)
        self._server.run()

    def run_in_thread(self) -> None:
        """Serve until `close`, which takes its sockets away while it looks at them."""
        try:
            self._server.run()
        except (OSError, ValueError, KeyError, RuntimeError):
            if not self._is_closed:
                raise

    def close(self) -> None:
        """Give up the port."""
        self._is_closed = True
        self._server.close()


def _stop(*_: object) -> None:
    raise SystemExit(0)


@contextmanager
def running(database: Database, settings: Settings, app: Flask, host: str, port: int) -> Iterator[Server]:
    """The server, not serving yet, with sender and scheduler at work; all are stopped in good order at the end."""
    with ExitStack() as stack:
        server = Server(app, host, port)
        stack.callback(server.close)
        stack.enter_context(SenderKeeper(settings))
        stack.callback(scheduler.start(database, settings).shutdown)
        yield server
