"""Whom a request is from, and who counts as one asker."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from newsletter.domain.networks import askers, client_ip, is_trusted, read_ip

PROXIES = [ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        pytest.param("127.0.0.1", "198.51.100.7", "198.51.100.7", id="a trusted peer is believed"),
        pytest.param("203.0.113.9", "198.51.100.7", "203.0.113.9", id="a stranger is not"),
        pytest.param("127.0.0.1", "", "127.0.0.1", id="a trusted peer that says nothing asks by itself"),
        pytest.param("127.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7", id="what the client wrote is not read"),
        pytest.param("127.0.0.1", "1.2.3.4, 198.51.100.7, 10.1.1.1", "198.51.100.7", id="over two proxies"),
        pytest.param("127.0.0.1", "10.9.9.9, 198.51.100.7", "198.51.100.7", id="a forged name of a proxy"),
        pytest.param(
            "127.0.0.1", "198.51.100.7, nonsense, 10.1.1.1", "10.1.1.1", id="what is no address ends the walk"
        ),
        pytest.param("127.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2", id="a client inside"),
        pytest.param("127.0.0.1", "198.51.100.7:4711", "198.51.100.7", id="with a port"),
        pytest.param("fd00::1", "[2001:db8::7]:4711", "2001:db8::7", id="IPv6 with a port"),
        pytest.param("::ffff:127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7", id="IPv4 mapped into IPv6"),
    ],
)
def test_a_client_is_who_the_last_trusted_hop_heard(peer, forwarded_for, client):
    assert str(client_ip(peer, forwarded_for, PROXIES)) == client


def test_nothing_is_believed_where_nobody_is_trusted():
    assert str(client_ip("127.0.0.1", "198.51.100.7", [])) == "127.0.0.1"
    assert not is_trusted("127.0.0.1", [])
    assert is_trusted("10.20.30.40", PROXIES)


def test_a_socket_has_no_address():
    assert client_ip("", "198.51.100.7", PROXIES) is None
    assert read_ip("unix:") is None


@pytest.mark.parametrize(
    ("one", "other", "same_machine", "same_network"),
    [
        ("198.51.100.7", "198.51.100.8", False, True),
        ("198.51.100.7", "198.51.101.7", False, False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True, True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False, True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False, False),
    ],
)
def test_who_counts_as_one(one, other, same_machine, same_network):
    machines, networks = zip(askers(read_ip(one)), askers(read_ip(other)), strict=True)

    assert (machines[0] == machines[1], networks[0] == networks[1]) == (same_machine, same_network)
