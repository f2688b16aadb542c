"""A country update: what one month brought to one place, and what to look out for in the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from newsletter.domain.characters import is_control
from newsletter.domain.month import Month

MOST_DEVELOPMENTS = 6


class Trend(StrEnum):
    """How the month past compares with the one before."""

    DETERIORATED = "deteriorated"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"

    @property
    def word(self) -> str:
        return self.value.capitalize()

    @property
    def sign(self) -> str:
        """An arrow, so that colour never speaks alone."""
        return {"deteriorated": "▼", "improved": "▲", "unchanged": "▶"}[self.value]


class Alert(StrEnum):
    """What the month ahead may bring."""

    CONFLICT_RISK = "conflict_risk"
    RESOLUTION_OPPORTUNITY = "resolution_opportunity"

    @property
    def words(self) -> str:
        return {"conflict_risk": "Conflict Risk Alert", "resolution_opportunity": "Resolution Opportunity"}[self.value]

    @property
    def sign(self) -> str:
        return {"conflict_risk": "⚠", "resolution_opportunity": "◇"}[self.value]


class UpdateState(StrEnum):
    """Where an update stands: only what is ready gets into an edition."""

    DRAFT = "draft"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Development:
    """One thing that happened: a lead sentence, set apart in bold, and the text that follows it."""

    lead: str
    text: str  #: Markdown (CommonMark); paragraphs are parted by an empty line


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's words as an outlet brought them."""

    date: date
    words: str
    outlet: str
    person: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A report, briefing or the like to read on."""

    date: date
    kind: str
    title: str
    url: str

    def problems(self) -> list[str]:
        """What breaks a rule, in words that follow the link's number."""
        texts = {"kind": self.kind, "title": self.title, "address": self.url}
        found = [f"has no {name}" for name, text in texts.items() if not text.strip()]
        if self.url.strip() and not _is_web(self.url):
            found.append(f"({self.title[:40]!r}) leads to no http or https address")
        return found


@dataclass(frozen=True, slots=True)
class Update:
    """One place, one month. Check `problems` before it is stored: the parts may come from anywhere."""

    place: str  #: a Place's code
    month: Month
    trend: Trend
    headline: str
    developments: tuple[Development, ...]
    alerts: tuple[Alert, ...] = ()
    quotes: tuple[Quote, ...] = ()
    links: tuple[Link, ...] = ()
    state: UpdateState = UpdateState.READY

    def problems(self) -> list[str]:
        """What breaks a rule, each as a sentence; empty when the update can be stored."""
        found = []
        if not self.headline.strip():
            found.append("the headline is missing")
        if "\n" in self.headline:
            found.append("the headline has more than one line")
        found += [f"the alert {alert.value} is there twice" for alert in Alert if self.alerts.count(alert) > 1]
        if not 1 <= len(self.developments) <= MOST_DEVELOPMENTS:
            found.append(f"it has {len(self.developments)} developments, and needs 1 to {MOST_DEVELOPMENTS}")
        found += [
            f"development {number} has no lead sentence"
            for number, development in enumerate(self.developments, 1)
            if not development.lead.strip()
        ]
        found += [
            f"the lead sentence of development {number} has more than one line"
            for number, development in enumerate(self.developments, 1)
            if "\n" in development.lead
        ]
        found += [
            f"link {number} {problem}" for number, link in enumerate(self.links, 1) for problem in link.problems()
        ]
        found += [
            f"the text {text[:30]!r} holds the control character U+{ord(char):04X}"
            for text in self._texts()
            for char in text
            if is_control(char)
        ][:3]
        return found

    def _texts(self) -> list[str]:
        """Every string that an editor can fill."""
        texts = [self.headline]
        for development in self.developments:
            texts += [development.lead, development.text]
        for quote in self.quotes:
            texts += [quote.words, quote.outlet, quote.person or "", quote.role or ""]
        for link in self.links:
            texts += [link.kind, link.title, link.url]
        return texts


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not any(c.isspace() for c in url)
