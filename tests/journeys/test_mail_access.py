"""Who can read our mails: axe finds no barrier in them, on light and dark paper, on a phone, and with pictures off."""

from __future__ import annotations

import pytest

from newsletter.mail.showing import without_pictures
from tests.mail_checks import window
from tests.mail_checks.mails import SHOWN, mail
from tests.mail_checks.variants import without_style

PHONE, DESKTOP = 375, 700  #: px
#: A browser takes its time: what is left out here differs from the rest only in how much it says.
VARIED = [name for name in SHOWN if name != "digest-short"]


@pytest.mark.parametrize("name", SHOWN)
def test_a_mail_has_no_barrier_on_light_and_dark_paper(page, name):
    window.show(page, mail(name).html)
    for width in (PHONE, DESKTOP):
        for scheme in window.SCHEMES:
            window.set_to(page, scheme, width)
            assert window.barriers(page) == "", f"{scheme}, {width} px"


@pytest.mark.parametrize("name", VARIED)
def test_a_mail_without_its_pictures_has_no_barrier_and_says_the_same(page, name):
    window.show(page, without_pictures(mail(name).html))
    words = window.put_words_for_pictures(page)
    for scheme in window.SCHEMES:
        window.set_to(page, scheme, PHONE)
        assert window.barriers(page) == "", scheme
        assert window.cramped(page) == "", scheme
        seen = page.inner_text("body")
        assert [each for each in words if each not in seen] == [], scheme


@pytest.mark.parametrize("name", VARIED)
def test_a_mail_without_its_style_sheet_has_no_barrier(page, name):
    window.show(page, without_style(mail(name).html), DESKTOP)
    assert window.barriers(page) == ""
    assert window.outside(page) == ""


def test_a_barrier_is_noticed(page):
    html = """<!DOCTYPE html><html lang="en"><title>x</title><style>
        @media (prefers-color-scheme: dark) { p { color: #333; background: #222 } }</style>
        <h1>x</h1><p>Words.</p><img src="https://example.org/x.png" style="color:#eee;line-height:1" alt="A map.">"""
    window.show(page, html)
    assert window.barriers(page) == ""
    assert window.put_words_for_pictures(page) == ["A map."]
    assert "color-contrast: span" in window.barriers(page)
    assert "A map." in window.cramped(page)
    window.set_to(page, "dark", PHONE)
    assert "color-contrast: p" in window.barriers(page)
