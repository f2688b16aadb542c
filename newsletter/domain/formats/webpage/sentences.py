"""Where the first sentence of a paragraph ends.

A lead that runs on is easier to see and to mend than one that breaks off in "U.S.", so where a stop may
or may not end the sentence, it doesn't.
"""

from __future__ import annotations

import re

_CLOSERS = "\"”’'»)\\]"
#: A run of stops is looked at once, from its beginning: the look-behind and the possessive quantifiers keep
#: a line of a million stops from costing a million times a million steps.
_STOP = re.compile(
    rf"(?<![.!?…؟।۔])(?P<stop>[.!?…؟।۔]++)(?:\s»|[{_CLOSERS}])*+(?:\[[0-9]{{1,3}}\])*+(?=\s|$)"
    rf"|(?<![。！？])(?P<wide>[。！？]++)[{_CLOSERS}」』]*+"
)
_ENDING = re.compile(rf"(?:[.!?…؟।۔]\s?[{_CLOSERS}]*(?:\[[0-9]{{1,3}}\])*|[。！？][{_CLOSERS}」』]*)$")
_OPENING = " \t\u00a0“‘\"'«([„"
_DOTTED = re.compile(r"[A-Za-z]{1,2}(?:\.[A-Za-z]{1,2})+")

#: A name or number follows these, so that they never end a sentence.
_NEVER = re.compile(
    r"dr|mr|mrs|ms|prof|gen|lt|col|sgt|capt|maj|brig|adm|cmdr|cpl|pvt|sen|rep|gov|pres|rev|hon|amb|messrs"
    r"|mme|st|mt|ft|vs|cf|e\.g|i\.e|approx|ca|al|dept"
)
#: These do so only before a number: "No. 5", but "they said no."
_BEFORE_NUMBER = re.compile(r"no|nos|art|sec|para|fig|vol|p|pp|ch|res")
#: These may stand at a sentence's end or within it: "20 Nov. The", "20 Nov. Geneva meeting".
_EITHER = re.compile(
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|inc|ltd"
    r"|co|corp|jr|sr|bros|etc|est|govt|pop"
)
#: Words that, written large after an abbreviation, show that a new sentence begins.
_OPENERS = re.compile(
    r"the|a|an|in|on|at|he|she|it|they|this|that|these|those|but|and|or|yet|so|we|i|you|there|here|its|his"
    r"|her|their|our|after|before|while|when|as|by|for|from|with|within|following|amid|despite|both"
    r"|meanwhile|however|also|moreover|notably|separately|earlier|later|still|then|thus|if|although|though"
    r"|since|until|during|under|over|across|authorities|officials|some|many|most|several|two|three"
)


def split_lead(paragraph: str) -> tuple[str, str]:
    """The first sentence, and what follows it."""
    end = _first_end(paragraph, minding_quotes=True) or _first_end(paragraph, minding_quotes=False)
    return (paragraph[:end].strip(), paragraph[end:].strip()) if end else (paragraph.strip(), "")


def ends_sentence(text: str) -> bool:
    """Whether `text` ends as a sentence does."""
    return _ENDING.search(text[-12:]) is not None


def ends_in_title(text: str) -> bool:
    """Whether `text` ends in "Dr." or an initial, so that a name follows."""
    word = text[-12:].rpartition(" ")[2].removesuffix(".").lstrip(_OPENING)
    return _NEVER.fullmatch(word.lower()) is not None or (len(word) == 1 and word.isupper())


def _first_end(text: str, *, minding_quotes: bool) -> int | None:
    """Where the first sentence ends. A stop within quotation marks or brackets ends only what they hold."""
    depth, straight, seen = 0, 0, 0
    for match in _STOP.finditer(text):
        passed = text[seen : match.end()]
        seen = match.end()
        opened = sum(map(passed.count, "“([«")) - sum(map(passed.count, "”)]»"))
        depth = max(0, depth + opened)
        straight += passed.count('"')
        if minding_quotes and (depth > 0 or straight % 2):
            continue
        if _is_end(text, match):
            return match.end()
    return None


def _is_end(text: str, match: re.Match[str]) -> bool:
    following = text[match.end() : match.end() + 40].lstrip(_OPENING)
    if match["wide"] or not following:
        return True
    if following[0].islower():
        return False
    stop = match["stop"]
    start = match.start()
    if stop in ("…", "...", "..") or "…" in stop:
        return text[start - 1 : start] not in ("(", "[") and _opens(following)
    return stop != "." or _full_stop_ends(text, start, following)


def _full_stop_ends(text: str, start: int, following: str) -> bool:
    """Whether a single full stop at `start` ends a sentence, or only an abbreviation."""
    before = text[max(0, start - 24) : start].split()
    word = before[-1].lstrip(_OPENING + "[") if before and not text[start - 1].isspace() else ""
    name = word.lower()
    if _NEVER.fullmatch(name) or (word.isdigit() and start == len(word)):  # the latter: "1. The first point"
        return False
    if _BEFORE_NUMBER.fullmatch(name):
        return not following[0].isdigit()
    if _EITHER.fullmatch(name) or _DOTTED.fullmatch(word) or (len(word) == 1 and word.isupper()):
        return not following[0].isdigit() and _opens(following)
    return True


def _opens(following: str) -> bool:
    word = re.match(r"[^\W\d_]+", following)
    return word is not None and _OPENERS.fullmatch(word[0].lower()) is not None
