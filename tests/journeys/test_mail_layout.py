"""Nothing that an editor can paste makes a mail wider than the window, in any client."""

from __future__ import annotations

import pytest

from newsletter.mail.showing import without_pictures
from tests.mail_checks import window
from tests.mail_checks.hostile import READERS, hostile_html
from tests.mail_checks.mails import SHOWN, mail
from tests.mail_checks.variants import as_outlook, without_style, without_word_breaks

WIDTHS = (320, 375, 640, 1000)  #: px
COLUMN = 640  #: px; lines that are longer are hard to read


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(str, id="as it is"),
        pytest.param(without_pictures, id="without pictures"),
        pytest.param(without_style, id="without style sheet"),
        pytest.param(without_word_breaks, id="with long words broken only by word-wrap"),
    ],
)
def test_hostile_texts_stay_inside_the_window(page, reader, shown):
    window.show(page, shown(hostile_html(reader)))
    for width in WIDTHS:
        window.set_to(page, "light", width)
        assert window.outside(page) == "", f"at {width} px"


@pytest.mark.parametrize("name", SHOWN)
def test_a_mail_fits_every_window(page, name):
    window.show(page, mail(name).html)
    for width in WIDTHS:
        window.set_to(page, "light", width)
        assert window.outside(page) == "", f"at {width} px"


@pytest.mark.parametrize("name", SHOWN)
def test_outlook_on_windows_keeps_to_the_column(page, name):
    html = as_outlook(mail(name).html)
    assert "<!--[if" not in html

    window.show(page, html, 700)
    assert window.outside(page) == ""
    window.set_to(page, "light", 1000)
    assert window.widest_text(page) <= COLUMN


def test_what_reaches_out_of_the_window_is_noticed(page):
    html = f'<h1>Fine</h1><p>{"x" * 100}</p><p dir="rtl">{"ש" * 100}</p><table width="330"><tr><td>x</td></tr></table>'

    window.show(page, f'<body style="margin:0">{html}', 320)
    told = window.outside(page)

    assert told.count("text of <p") == 2
    assert "box of <table" in told
    assert "sideways" in told
    assert "<h1" not in told
