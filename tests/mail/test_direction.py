"""Text that runs from right to left says so."""

import pytest

from newsletter.mail.direction import attribute


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A month passed.", ""),
        ("", ""),
        ("2022: 100 %", ""),
        ("مرّ شهر", ' dir="rtl"'),
        ("עבר חודש", ' dir="rtl"'),
        ("2022: مرّ شهر in Aden", ' dir="rtl"'),
        ("In Aden: مرّ شهر", ""),
    ],
)
def test_the_first_letter_decides(text, found):
    assert attribute(text) == found
