"""Whose a domain is."""

from __future__ import annotations

import pytest

from newsletter.delivery.destinations.providers import ascii_domain, may_be_asked, of_domain, of_server


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "gmail"),
        ("googlemail.com", "gmail"),
        ("outlook.com", "outlook"),
        ("outlook.com.br", "outlook"),
        ("hotmail.co.uk", "outlook"),
        ("live.nl", "outlook"),
        ("msn.com", "outlook"),
        ("yahoo.com", "yahoo"),
        ("yahoo.co.uk", "yahoo"),
        ("ymail.com", "yahoo"),
        ("aol.com", "yahoo"),
        ("me.com", "icloud"),
        ("gmx.net", "gmx"),
        ("web.de", "gmx"),
        ("bk.ru", "mail.ru"),
        ("foxmail.com", "qq"),
        ("vip.163.com", "netease"),
        ("yahoo.co.jp", None),
        ("live.example.org", None),
        ("notgmail.com", None),
        ("gmail.com.example.org", None),
        ("example.org", None),
    ],
)
def test_a_provider_is_known_by_its_own_domains(domain, provider):
    assert of_domain(domain) == provider


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("ASPMX.L.Google.com.", "gmail"),
        ("smtp.google.com", "gmail"),
        ("aspmx2.googlemail.com", "gmail"),
        ("ministry-org.mail.protection.outlook.com", "outlook"),
        ("hotmail-com.olc.protection.outlook.com", "outlook"),
        ("ministry-org.p-v1.mx.microsoft", "outlook"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "icloud"),
        ("mx00.emig.gmx.net", "gmx"),
        ("emx.mail.ru", "mail.ru"),
        ("mxbiz1.qq.com", "qq"),
        ("qiye163mx01.mxmail.netease.com", "netease"),
        ("mx.evilgoogle.com", None),
        ("mx.own.org", None),
        ("", None),
    ],
)
def test_a_provider_is_known_by_its_servers(host, provider):
    assert of_server(host) == provider


@pytest.mark.parametrize(
    ("domain", "folded"),
    [(" GMail.COM.", "gmail.com"), ("Bücher.example", "xn--bcher-kva.example"), ("a\u2028b", "a\u2028b")],
)
def test_a_domain_is_compared_in_its_ascii_form(domain, folded):
    assert ascii_domain(domain) == folded


@pytest.mark.parametrize(
    "domain",
    ["example.org", "news.example.com", "reader.example", "mail.test", "x.invalid", "a.localhost", "intranet",
     "printer.local", "[192.0.2.1]", "bücher.org", ""],
)  # fmt: skip
def test_names_that_are_in_no_dns_are_not_asked_for(domain):
    assert not may_be_asked(domain)


@pytest.mark.parametrize("domain", ["myexample.org", "ngo.org", "latest.info"])
def test_other_names_are(domain):
    assert may_be_asked(domain)
