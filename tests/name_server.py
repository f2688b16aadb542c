"""A DNS server on this machine, for tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import dns.message
import dns.resolver
import dns.rrset


@contextmanager
def name_server(*answers: str) -> Iterator[dns.resolver.Resolver]:
    """A resolver whose server knows `answers`, in a zone file's form, and nothing else."""
    rrsets = [dns.rrset.from_text(*answer.split(" ", 4)) for answer in answers]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (received := server.recvfrom(4096))[0]:
                query = dns.message.from_wire(received[0])
                asked = query.question[0]
                reply = dns.message.make_response(query)
                reply.answer += [each for each in rrsets if (each.name, each.rdtype) == (asked.name, asked.rdtype)]
                if not any(each.name == asked.name for each in rrsets):
                    reply.set_rcode(3)
                server.sendto(reply.to_wire(), received[1])

        thread = Thread(target=serve)
        thread.start()
        yield _resolver_at(server.getsockname()[1])
        server.sendto(b"", server.getsockname())
        thread.join()


@contextmanager
def silent_server() -> Iterator[dns.resolver.Resolver]:
    """A resolver whose server never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield _resolver_at(server.getsockname()[1])


def _resolver_at(port: int) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    return resolver
