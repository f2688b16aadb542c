"""What a month's draft leaves out, and what its updates say too little of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.place import Gazetteer
from newsletter.domain.update import Alert, Trend, Update, UpdateState
from newsletter.services.checks.finding import Check, Finding

#: Words of which a text that gives a reason for an alert has one; they are looked for at the beginning of words.
_REASONS: Mapping[Alert, re.Pattern[str]] = {
    Alert.CONFLICT_RISK: re.compile(
        r"\b(alert|risk|escalat|threat|warn|fear|tension|clash|attack|fight|offensive|violen|unrest|protest|crackdown|"
        r"coup|war\b|conflict|insurg|strike|kill|deteriorat|could|likely|may\b|might|ahead|next month|loom)",
        re.IGNORECASE,
    ),
    Alert.RESOLUTION_OPPORTUNITY: re.compile(
        r"\b(opportunit|talk|negotiat|peace|ceasefire|truce|dialogue|agree|deal\b|accord|mediat|hope|prospect|progress|"
        r"treaty|reconcil|transition|election|withdraw|release|meet|could|may\b|might|ahead|next month)",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the checks of one month look at."""

    contents: Contents  #: what the edition would tell
    updates: Sequence[Update]  #: all of the month, drafts too
    before: Sequence[Update]  #: all of the month before
    gazetteer: Gazetteer
    today: date


def left_out(draft: Draft) -> Iterator[Finding]:
    """Places that had an update last month, and updates that are not ready."""
    told = {entry.place.code for entry in draft.contents.entries}
    drafts = {update.place for update in draft.updates if update.state is UpdateState.DRAFT} - told
    before = {update.place for update in draft.before if update.state is UpdateState.READY}
    earlier = draft.contents.month.previous.name
    for place in draft.gazetteer.places:
        if place.code in drafts:
            yield Finding(Check.DRAFT, f"{place.name}: its update is still a draft.", place.code)
        elif place.code in before - told:
            yield Finding(Check.MISSING, f"{place.name} had an update in {earlier}, and has none now.", place.code)


def reasons(draft: Draft) -> Iterator[Finding]:
    """Trends that changed, alerts and quotes that nothing is said of."""
    before = {update.place: update for update in draft.before}
    for entry in draft.contents.entries:
        yield from _of_trend(entry, before.get(entry.place.code))
        yield from _of_alerts(entry)
        yield from _of_quotes(entry, draft.today)


def _of_trend(entry: Entry, before: Update | None) -> Iterator[Finding]:
    update, name = entry.update, entry.place.name
    if entry.trend_before in (None, update.trend):
        return
    what = f"{name} is {_word(update.trend)} after {_word(entry.trend_before)}"
    if not update.developments:
        yield Finding(Check.TREND, f"{what}, and no development says why.", entry.place.code)
    elif before is not None and _folded(update) == _folded(before):
        yield Finding(Check.TREND, f"{what}, with the developments of the month before.", entry.place.code)


def _word(trend: Trend | None) -> str:
    return trend.word if trend is not None else ""


def _folded(update: Update) -> list[str]:
    return [" ".join(f"{each.lead} {each.text}".casefold().split()) for each in update.developments]


def _of_alerts(entry: Entry) -> Iterator[Finding]:
    texts = [entry.update.headline, *(f"{each.lead}\n{each.text}" for each in entry.update.developments)]
    for alert in entry.update.alerts:
        if not any(_REASONS[alert].search(text) for text in texts):
            words = f"{entry.place.name} has a {alert.words}, and no sentence speaks of what may come."
            yield Finding(Check.ALERT, words, entry.place.code)


def _of_quotes(entry: Entry, today: date) -> Iterator[Finding]:
    for number, quote in enumerate(entry.update.quotes, 1):
        which = f"{entry.place.name}, quote {number}"
        if not quote.outlet.strip():
            yield Finding(Check.QUOTE, f"{which}: it names no outlet.", entry.place.code)
        if quote.date > today:
            yield Finding(Check.QUOTE, f"{which}: its date, {quote.date}, is still to come.", entry.place.code)
