"""A mail as clients show it that leave a part of it out."""

from __future__ import annotations

import re

_STYLE = re.compile(r"<style\b.*?</style>\s*", re.DOTALL | re.IGNORECASE)
_FOR_OTHERS = re.compile(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->|<!\[if !mso\]>.*?<!\[endif\]>", re.DOTALL)
_FOR_WORD = re.compile(r"<!--\[if [^!\]]*\bmso\b[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_SOURCE = re.compile(r"<source\b[^>]*>", re.IGNORECASE)
_STYLES = re.compile(r"(?<=\bstyle=\")[^\"]*", re.IGNORECASE)
_BEYOND_WORD = re.compile(r"(?<![\w-])(?:max-width|max-height|border-radius|box-shadow):[^;]*;?")
_WORD_BREAKS = re.compile(r"(?<![\w-])(?:overflow-wrap|word-break):[^;]*;?")


def for_word(html: str) -> str:
    """With Outlook's conditional comments applied: what is for it is there, what is for the others is not."""
    return _FOR_WORD.sub(r"\1", _FOR_OTHERS.sub("", html))


def as_outlook(html: str) -> str:
    """As Outlook on Windows shows it: its comments applied, no @media, no <picture>, no CSS that Word doesn't know."""
    plain = _SOURCE.sub("", without_style(for_word(html)))
    return _STYLES.sub(lambda style: _BEYOND_WORD.sub("", style[0]), plain)


def without_style(html: str) -> str:
    """As Gmail shows it to accounts of other providers, which get no <style>."""
    return _STYLE.sub("", html)


def without_word_breaks(html: str) -> str:
    """As Yahoo shows it, which knows only word-wrap of the ways to break a long word."""
    return _STYLES.sub(lambda style: _WORD_BREAKS.sub("", style[0]), html)
