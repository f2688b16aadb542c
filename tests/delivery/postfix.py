"""Debian's Postfix as a relay: with folders of its own, on ports of its own, beside whatever else the machine runs.

It takes mail for known readers at example.org and puts it into their mailboxes; whom it doesn't know it refuses. With a
certificate it offers STARTTLS. It may greylist: over the policy protocol, as real ones do (RFC 6647).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import BinaryIO

from tests import parts

DOMAIN = "example.org"
PATIENCE = 20.0  #: seconds, for a start, a delivery or a stop

#: Of Debian's master.cf, what receives mail and delivers it here. Nothing is jailed: the queue folder holds no /etc.
SERVICES = """\
127.0.0.1:{port} inet  n  -  n  -     -  smtpd
cleanup    unix  n  -  n  -     0  cleanup
qmgr       unix  n  -  n  300   1  qmgr
tlsmgr     unix  -  -  n  1000? 1  tlsmgr
rewrite    unix  -  -  n  -     -  trivial-rewrite
bounce     unix  -  -  n  -     0  bounce
defer      unix  -  -  n  -     0  bounce
trace      unix  -  -  n  -     0  bounce
proxymap   unix  -  -  n  -     -  proxymap
error      unix  -  -  n  -     -  error
retry      unix  -  -  n  -     -  error
virtual    unix  -  n  n  -     -  virtual
anvil      unix  -  -  n  -     1  anvil
postlog    unix-dgram n - n -   1  postlogd
"""

SETTINGS = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = relay.{domain}
mydestination =
alias_maps =
mynetworks =
inet_interfaces = 127.0.0.1
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = {restrictions}
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_tls_received_header = yes
notify_classes =
"""


class Postfix:
    """A context manager. Skips the test, or fails it in CI, where Postfix can't be run."""

    def __init__(
        self, readers: Sequence[str], *, certificate: Path | None = None, greylisted: Sequence[str] = ()
    ) -> None:
        """`readers` are addresses at example.org that have a mailbox; mail for `greylisted` is taken at the second try.

        `certificate` is a file with a certificate and its key.
        """
        self._command = parts.require("postfix", "apt-get install --no-install-recommends postfix")
        if os.geteuid() != 0:
            parts.missing("the right to run Postfix", "nothing: run this test as root")
        self._readers = readers
        self._certificate = certificate
        self._greylist = Greylist(greylisted)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def url(self, tls: str) -> str:
        return f"smtp://localhost:{self.port}?tls={tls}"

    def log(self) -> str:
        """What it has told so far."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def mailbox(self, reader: str, *, holds: int) -> list[bytes]:
        """A reader's mails as they lie in the mailbox; waits until so many are there."""
        folder = self._folder / "mail" / reader / "new"
        self._wait(lambda: folder.is_dir() and len(list(folder.iterdir())) >= holds, f"mail for {reader}")
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []

    def __enter__(self) -> Postfix:
        # Not below the test's own folder, which only root may enter: most of Postfix runs as somebody else.
        self._folder = Path(tempfile.mkdtemp(prefix="newsletter-postfix-"))
        self._folder.chmod(0o755)
        self._greylist.start()
        self.port = _free_port()
        self._write_configuration()
        self._process = subprocess.Popen(
            [self._command, "-c", str(self._folder / "etc"), "start-fg"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(self._answers, "Postfix to answer")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process is not None:
            with suppress(OSError, ValueError):
                os.kill(int((self._folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
            self._process.wait(PATIENCE)
        self._greylist.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_configuration(self) -> None:
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        for name, owner in (("etc", 0), ("queue", 0), ("data", postfix.pw_uid), ("mail", nobody.pw_uid)):
            folder = self._folder / name
            folder.mkdir()
            os.chown(folder, owner, 0)
        restrictions = "reject_unauth_destination, reject_unlisted_recipient"
        if self._greylist.addresses:
            restrictions += f", check_policy_service inet:127.0.0.1:{self._greylist.port}"
        settings = SETTINGS.format(
            folder=self._folder, domain=DOMAIN, uid=nobody.pw_uid, gid=nobody.pw_gid, restrictions=restrictions
        )
        if self._certificate is not None:
            copy = shutil.copy(self._certificate, self._folder / "etc/relay.pem")
            settings += f"smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {copy}\nsmtpd_tls_key_file = {copy}\n"
        (self._folder / "etc/main.cf").write_text(settings)
        (self._folder / "etc/master.cf").write_text(SERVICES.format(port=self.port))
        (self._folder / "mailboxes").write_text("".join(f"{reader} {reader}/\n" for reader in self._readers))

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Postfix ended: {self.log()}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(100).startswith(b"220")
        except OSError:
            return False

    def _wait(self, until: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, f"waited too long for {what}: {self.log()}"
            time.sleep(0.02)


class Greylist:
    """A policy server: the first try to reach one of `addresses` is put off, all others are none of its business."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.port = 0
        self._seen: set[str] = set()
        self._server: ThreadingTCPServer | None = None

    def start(self) -> None:
        greylist = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                while asked := greylist.read(self.rfile):
                    self.wfile.write(f"action={greylist.answer(asked)}\n\n".encode())

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @staticmethod
    def read(lines: BinaryIO) -> dict[str, str]:
        """One request: name=value on each line, up to an empty one; nothing at the end of the connection."""
        asked = {}
        while line := lines.readline().decode().strip():
            name, _, value = line.partition("=")
            asked[name] = value
        return asked

    def answer(self, asked: dict[str, str]) -> str:
        """What Postfix is to do, as its access(5) tables say it."""
        address = asked["recipient"]
        if address not in self.addresses or address in self._seen:
            return "dunno"
        self._seen.add(address)
        return "defer_if_permit 4.7.1 greylisted, try again later"


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port
