"""Which way a text runs: an editor may quote Arabic or Hebrew in a mail that is otherwise in English."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup


def attribute(text: str) -> Markup:
    """The dir attribute for an element that holds this text: none where it runs as the page does.

    The first strong character decides (Unicode Bidirectional Algorithm, P2 and P3), as dir=auto would have it; but not
    all mail clients know auto, and the answer is known when an edition is compiled.
    """
    for char in text:
        match unicodedata.bidirectional(char):
            case "L":
                return Markup("")
            case "R" | "AL":
                return Markup(' dir="rtl"')
    return Markup("")
