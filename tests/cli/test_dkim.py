"""Making a key: a file for us alone, and words that lead to a signed mail."""

from __future__ import annotations

import json
import os
import re
import resource
import stat

import pytest

from newsletter.mail.dkim import Algorithm, Key, dns_record, zone_line


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keygen_writes_a_key_for_us_alone_and_says_what_to_do(run, instance):
    ran = run("dkim", "keygen", "--selector", "news1")
    path = instance / "dkim-news1.pem"
    key = Key.load("news1", path.read_bytes())
    lines = [line.strip() for line in ran.out.splitlines()]

    assert (ran.code, ran.err) == (0, "")
    assert (key.algorithm, mode(path)) == (Algorithm.RSA, 0o600)
    assert "news1._domainkey.example.org" in lines
    assert dns_record(key) in lines
    assert zone_line(key, "example.org") in lines
    assert "NEWSLETTER_DKIM_SELECTOR=news1" in lines
    assert f"NEWSLETTER_DKIM_KEY={path}" in lines
    assert "PRIVATE" not in ran.out


def test_keygen_makes_a_second_key_of_the_other_kind(run, tmp_path):
    ran = run("dkim", "keygen", "--selector", "news2", "--algorithm", "ed25519", "--out", "key.pem", "--json")
    told = json.loads(ran.out)
    key = Key.load("news2", (tmp_path / "key.pem").read_bytes())

    assert told == {
        "algorithm": "ed25519",
        "selector": "news2",
        "domain": "example.org",
        "private_key": str(tmp_path / "key.pem"),
        "dns": {
            "name": "news2._domainkey.example.org",
            "type": "TXT",
            "value": dns_record(key),
            "zone_line": zone_line(key, "example.org"),
        },
        "settings": {"DKIM_ED25519_SELECTOR": "news2", "DKIM_ED25519_KEY": str(tmp_path / "key.pem")},
    }
    assert key.algorithm is Algorithm.ED25519


@pytest.mark.parametrize("algorithm", [each.value for each in Algorithm])
def test_what_keygen_says_to_set_signs_the_mail(run, make_settings, algorithm):
    ran = run("dkim", "keygen", "--selector", "news1", "--algorithm", algorithm)
    pairs = dict(re.findall(r"NEWSLETTER_(\w+)=(\S+)", ran.out))

    settings = make_settings(**{name.lower(): value for name, value in pairs.items()})

    assert settings.dkim is not None
    assert settings.dkim.domain == "example.org"


def test_a_key_is_never_overwritten(run, refused, instance):
    run("dkim", "keygen", "--selector", "news1")
    before = (instance / "dkim-news1.pem").read_bytes()

    told = refused("dkim", "keygen", "--selector", "news1")

    assert told == (
        f"{instance}/dkim-news1.pem is there already, and a key is never overwritten; choose another selector or --out"
    )
    assert (instance / "dkim-news1.pem").read_bytes() == before


def test_a_link_that_leads_elsewhere_is_not_followed(refused, instance, tmp_path):
    (instance / "dkim-news1.pem").symlink_to(tmp_path / "elsewhere")

    assert "is there already" in refused("dkim", "keygen", "--selector", "news1")
    assert not (tmp_path / "elsewhere").exists()


def test_others_can_not_read_it_whatever_the_umask(run, instance):
    before = os.umask(0)
    try:
        run("dkim", "keygen", "--selector", "news1")
    finally:
        os.umask(before)

    assert mode(instance / "dkim-news1.pem") == 0o600


def test_a_folder_that_is_not_there_is_told(refused, tmp_path):
    told = refused("dkim", "keygen", "--selector", "news1", "--out", "keys/news1.pem")

    assert told == f"{tmp_path}/keys/news1.pem can't be written: No such file or directory"


def test_half_a_key_is_not_left_behind(refused, instance):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # octets of a file: as if the disk were full
    try:
        told = refused("dkim", "keygen", "--selector", "news1", SECRET_KEY="a secret key for tests")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert told == f"{instance}/dkim-news1.pem can't be written: File too large"
    assert not list(instance.glob("*.pem"))


@pytest.mark.parametrize("selector", ["news 1", "../news1", "news_1", ""])
def test_a_selector_that_is_none_makes_no_file(refused, instance, selector):
    before = sorted(instance.parent.rglob("*.pem"))

    assert f"{selector!r} is no DKIM selector" in refused("dkim", "keygen", "--selector", selector)
    assert sorted(instance.parent.rglob("*.pem")) == before


def test_a_domain_can_be_named_before_there_is_a_sender(run):
    ran = run("dkim", "keygen", "--selector", "news1", "--domain", "News.Example.NET", SENDER="")

    assert (ran.code, ran.err) == (0, "")
    assert "news1._domainkey.news.example.net\n" in ran.out


def test_without_a_sender_the_domain_has_to_be_named(refused):
    told = refused("dkim", "keygen", "--selector", "news1", SENDER="")

    assert told == "SENDER is not set, so there is no domain to sign for; set it, or name one with --domain"


def test_a_domain_that_is_none_makes_no_file(refused, instance):
    assert "is no domain to sign for" in refused("dkim", "keygen", "--selector", "news1", "--domain", "my domain")
    assert not list(instance.glob("*.pem"))


def test_a_domain_other_than_the_senders_is_told(run):
    ran = run("dkim", "keygen", "--selector", "news1", "--domain", "example.net")

    assert ran.code == 0
    assert ran.err == "note: mail is signed for the domain of SENDER, which is example.org, not example.net\n"


def test_the_selector_has_to_be_named(run):
    ran = run("dkim", "keygen")

    assert (ran.code, ran.out) == (2, "")
    assert "--selector" in ran.err
