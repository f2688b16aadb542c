"""Whether links answer: asked of a real server, and never of the network around us."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from newsletter.services.checks import reaching
from newsletter.services.checks.fetching import MOST_REDIRECTS, Fetcher, is_public


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names; /to/N leads on."""

    asked: list[str]

    def do_HEAD(self) -> None:
        if self.path == "/no-head":
            return self._answer(405)
        return self._answer_path()

    def do_GET(self) -> None:
        return self._answer(200) if self.path == "/no-head" else self._answer_path()

    def _answer_path(self) -> None:
        if self.path.startswith("/to/"):
            number = int(self.path.removeprefix("/to/"))
            return self._answer(302, f"/to/{number - 1}" if number else "/200")
        if self.path == "/inside":
            return self._answer(302, "http://10.0.0.1/secret")
        return self._answer(int(self.path.split("?")[0].strip("/")))

    def _answer(self, status: int, location: str = "") -> None:
        type(self).asked.append(f"{self.command} {self.path}")
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[tuple[str, list[str]]]:
    handler = type("Own", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    with serving() as found:
        yield found


@pytest.fixture
def fetcher(site):
    """May ask this test's own server, and nobody else on a private network."""
    port = int(site[0].rpartition(":")[2])
    return Fetcher(may_ask=lambda address: address == "127.0.0.1", ports=frozenset({port, 80}))


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/200", None),
        ("/404", "answers with the error 404"),
        ("/410", "answers with the error 410"),
        ("/500", "answers with the error 500"),
        pytest.param("/401", None, id="a page behind a login is there"),
        pytest.param("/403", None, id="a page that is guarded against programs is there"),
        pytest.param("/429", None, id="a page that was asked for too often is there"),
        pytest.param("/no-head", None, id="who doesn't know HEAD is asked with GET"),
        pytest.param("/200?q=a b&x=é", None, id="spaces and letters beyond ASCII are encoded"),
        (f"/to/{MOST_REDIRECTS - 1}", None),
        (f"/to/{MOST_REDIRECTS}", f"leads on more than {MOST_REDIRECTS} times"),
        ("/inside", "leads into a private network, and is not asked"),
    ],
)
def test_what_an_answer_means(site, fetcher, path, problem):
    assert fetcher.problem(f"{site[0]}{path}") == problem


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1/", "leads into a private network, and is not asked"),
        ("http://[::1]/", "has a name that is for examples or for one network"),
        ("http://[::ffff:127.0.0.1]/", "leads into a private network, and is not asked"),
        ("http://169.254.169.254/latest", "leads into a private network, and is not asked"),
        ("http://0x7f000001/", "has a name that is for examples or for one network"),
        ("http://localhost/", "has a name that is for examples or for one network"),
        ("http://printer.local/", "has a name that is for examples or for one network"),
        ("https://10.1.2.3/", "leads into a private network, and is not asked"),
        ("http://10.1.2.3:22/", "uses the port 22, which is not asked"),
        ("file:///etc/passwd", "leads on to what is no web page"),
        ("http://[::1", "can’t be reached"),
        ("http://a.example:99999/", "can’t be reached"),
    ],
)
def test_nothing_on_our_own_network_is_ever_asked(url, problem):
    assert Fetcher().problem(url) == problem


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "::1", "fe80::1", "224.0.0.1", "100.64.0.1", "2002:a00:1::"]
)
def test_private_addresses(address):
    assert not is_public(address)


def test_public_addresses():
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        fetcher = Fetcher(seconds=0.2, may_ask=lambda _: True, ports=frozenset({port}))

        assert fetcher.problem(f"http://127.0.0.1:{port}/") == "doesn’t answer within 0.2 seconds"


def test_a_server_that_talks_for_ever_is_given_up():
    """It sends a byte each time that it is given the processor, and no end of headers."""
    over = threading.Event()

    def talk(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while not over.wait(0.01):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=talk, args=(listening,))
        thread.start()
        port = listening.getsockname()[1]
        fetcher = Fetcher(seconds=0.3, may_ask=lambda _: True, ports=frozenset({port}))
        try:
            assert fetcher.problem(f"http://127.0.0.1:{port}/") == "doesn’t answer within 0.3 seconds"
        finally:
            over.set()
            thread.join()


def test_what_is_no_web_server_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def greet() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example.org ESMTP\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        fetcher = Fetcher(may_ask=lambda _: True, ports=frozenset({port}))
        assert fetcher.problem(f"http://127.0.0.1:{port}/") == "answers with what is no web page"
        thread.join()


def test_many_links_are_asked_side_by_side_each_once(site, fetcher):
    urls = [f"{site[0]}/200?{number}" for number in range(40)] + [f"{site[0]}/404"]

    assert reaching.ask(urls, fetcher) == {f"{site[0]}/404": "answers with the error 404"}
    assert sorted(line for line in site[1] if "404" not in line) == sorted(f"HEAD /200?{n}" for n in range(40))


def test_without_a_link_nobody_is_asked():
    assert reaching.ask([], Fetcher()) == {}
