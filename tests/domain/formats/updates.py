"""Strategies that make updates which keep every rule."""

from datetime import date

from hypothesis import strategies as st

from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update, UpdateState

#: Pieces that a format could take for its own marks.
_MARKS = [
    "---", "...", "#", "##", "## ", "\\", "\\## x", "\n## y", "\n ##\tz", "\n", "\n\n", ": ", " #", "- ", "'", '"', "|",
    ">", "&a", "*a", "!!int 5", "{", "[", "%", "@", "`", "~", "null", "NO", "yes", "2031-05-01", "1e3", "\u2028",
    "\u2029", "\u00a0", "\ufeff", "\u200f", "مرحبا", "שלום", "e\u0301", "\U0001f469\u200d\U0001f467", "\U0010ffff",
    "\ufffe", "  ", "\t", "</p>", "",
]  # fmt: skip
_CHARS = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.lists(st.one_of(st.sampled_from(_MARKS), st.text(_CHARS, max_size=8)), max_size=6).map("".join)
lines = texts.map(lambda text: text.replace("\n", " "))
filled = lines.filter(str.strip)
_URLS = st.sampled_from(["https://example.org/", "http://example.org/a?b=c&d=%20#e", "https://пример.example/é"])
_DAYS = st.dates(min_value=date(1900, 1, 1))

updates = st.builds(
    Update,
    place=st.sampled_from(["NO", "KZ", "NORLAND", "ISRAEL-PALESTINE"]),
    month=st.builds(Month, st.integers(1900, 9998), st.integers(1, 12)),
    trend=st.sampled_from(Trend),
    headline=filled,
    developments=st.lists(st.builds(Development, filled, texts), min_size=1, max_size=6).map(tuple),
    alerts=st.lists(st.sampled_from(Alert), unique=True).map(tuple),
    quotes=st.lists(st.builds(Quote, _DAYS, texts, texts, st.none() | texts, st.none() | texts), max_size=3).map(tuple),
    links=st.lists(st.builds(Link, _DAYS, filled, texts.filter(str.strip), _URLS), max_size=3).map(tuple),
    state=st.sampled_from(UpdateState),
)
