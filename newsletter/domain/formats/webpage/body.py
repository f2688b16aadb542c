"""The body of a page: a headline, then a paragraph for each development."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from newsletter.domain.formats.webpage.doubts import Doubts, first_words
from newsletter.domain.formats.webpage.lines import Line
from newsletter.domain.formats.webpage.sentences import ends_sentence, split_lead
from newsletter.domain.update import MOST_DEVELOPMENTS, Development

_WRAPPED = 100  #: characters; mail programs and text editors break lines before that, web pages don't
_SHORTEST_WRAPPED = 40
_LONG_LEAD = 300  #: characters; no sentence of the trackers that were looked at is longer
_LABEL_WORDS = 8

_MORE = re.compile(r"(?<=[.!?…”’\")])\s+(?:continue reading|read more|show more|read less)\W*$", re.IGNORECASE)
#: What CommonMark would take for markup. A "#", ">", list mark or number counts only where a paragraph begins.
_MARKUP = re.compile(r"[\\*`]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)|~(?=~)|(?<=\])(?=[(\[:])")
_MARKUP_AT_START = re.compile(r"#{1,6}(?:\s|$)|[>+=-]")
_LIST_NUMBER = re.compile(r"([0-9]{1,9})(?=[.)](?:\s|$))")


def read_body(lines: Sequence[Line], doubts: Doubts, *, headline_first: bool) -> tuple[str, tuple[Development, ...]]:
    """The headline and the developments.

    `headline_first`: the first line is sure to be the headline, even if it is as short as a label.
    """
    paragraphs = list(_paragraphs(lines, doubts))
    headline = ""
    developments: list[Development] = []
    for number, paragraph in enumerate(paragraphs):
        text = _without_more(paragraph)
        if _is_label(text) and not (headline_first and number == 0):
            doubts.left_out(text, "of the body")
        elif not headline:
            headline = text
            _doubt_headline(headline, doubts)
        else:
            developments.append(_development(text, len(developments) + 1, doubts))
    return headline, _at_most_six(developments, doubts)


def as_markdown(plain: str) -> str:
    """Plain text as Markdown that looks the same."""
    text = _MARKUP.sub(lambda match: "\\" + match[0], plain)
    number = _LIST_NUMBER.match(text)
    if number is not None:
        return f"{number[0]}\\{text[number.end() :]}"
    return "\\" + text if _MARKUP_AT_START.match(text) else text


def _paragraphs(lines: Sequence[Line], doubts: Doubts) -> Iterator[str]:
    """A line is a paragraph, except in text that a mail program has wrapped."""
    block: list[str] = []
    for line, following in pairwise([*lines, None]):
        if line is None:
            return
        block.append(line.text)
        if following is not None and not following.gap:
            continue
        if _is_wrapped(block):
            doubts.add(f"joined {len(block)} lines from {first_words(block[0])!r} on to one paragraph")
            block = [" ".join(block)]
        yield from block
        block = []


def _is_wrapped(block: Sequence[str]) -> bool:
    broken = block[:-1]
    return (
        max(map(len, block)) <= _WRAPPED
        and all(len(line) >= _SHORTEST_WRAPPED for line in broken)
        and not all(map(ends_sentence, broken))
    )


def _without_more(paragraph: str) -> str:
    """The paragraph without a "Continue reading" at its end."""
    start = max(0, len(paragraph) - 40)
    return paragraph[:start] + _MORE.sub("", paragraph[start:])


def _is_label(text: str) -> bool:
    """A few words without a full stop: the heading of something, or a caption."""
    return len(text) <= _WRAPPED and len(text.split()) <= _LABEL_WORDS and not ends_sentence(text)


def _doubt_headline(headline: str, doubts: Doubts) -> None:
    if len(headline) > _LONG_LEAD or split_lead(headline)[1]:
        doubts.add(f"the headline {first_words(headline)!r} is more than one sentence, so the page may have none")


def _development(paragraph: str, number: int, doubts: Doubts) -> Development:
    lead, rest = split_lead(paragraph)
    if len(lead) > _LONG_LEAD:
        doubts.add(f"the lead sentence of development {number} is very long: it may end earlier")
    if not rest:
        doubts.add(f"development {number} has a lead sentence and no text")
    if paragraph.endswith(("...", "…")):
        doubts.add(f"the text of development {number} is cut off")
    return Development(lead, as_markdown(rest))


def _at_most_six(developments: Sequence[Development], doubts: Doubts) -> tuple[Development, ...]:
    """Join what is too much to the last development: an editor can shorten it, but not find what was lost."""
    kept, surplus = developments[: MOST_DEVELOPMENTS - 1], developments[MOST_DEVELOPMENTS - 1 :]
    if len(surplus) < 2:
        return tuple(developments)
    doubts.add(f"the page has {len(developments)} developments, and those from {MOST_DEVELOPMENTS} on were joined")
    texts = [surplus[0].text]
    for each in surplus[1:]:
        texts.append(f"{as_markdown(each.lead)} {each.text}".strip())
    return (*kept, Development(surplus[0].lead, "\n\n".join(filter(None, texts))))
