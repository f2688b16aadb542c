"""What a digest says before it is opened: its subject and preheader, made of the reader's own places.

    Country Updates, November 2022: risk alert for Sudan; 3 places deteriorated

A subject is at most 78 octets (RFC 5322, 2.1.1, has it as the length that a line should keep to), which the widest
lists of mails show whole. Where not all can be said, names become counts first, then the lesser news go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsletter.domain.edition import Entry
from newsletter.domain.update import Alert, Trend
from newsletter.mail.brief import brief

LONGEST_SUBJECT = 78  #: octets
LONGEST_PREHEADER = 140  #: octets; no client shows more of it


@dataclass(frozen=True, slots=True)
class News:
    """The names of a reader's places that have news, each in the edition's order."""

    places: int  #: all that they follow in the edition
    only: str  #: the name, when that is a single one
    conflict_risk: tuple[str, ...]
    resolution_opportunity: tuple[str, ...]
    deteriorated: tuple[str, ...]
    improved: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> News:
        """The news of these entries."""

        def names(wanted: Trend | Alert) -> tuple[str, ...]:
            return tuple(
                entry.place.name for entry in entries if wanted is entry.update.trend or wanted in entry.update.alerts
            )

        return cls(
            len(entries),
            entries[0].place.name if len(entries) == 1 else "",
            names(Alert.CONFLICT_RISK),
            names(Alert.RESOLUTION_OPPORTUNITY),
            names(Trend.DETERIORATED),
            names(Trend.IMPROVED),
        )


def subject(lead: str, news: News) -> str:
    """`lead` (title and month) with as much of the news as there is room for."""
    alerts = alert_ways(news.conflict_risk, news.resolution_opportunity)
    named = {*news.conflict_risk, *news.resolution_opportunity}
    if len(news.deteriorated) == 1 and named.issuperset(news.deteriorated):
        news = replace(news, deteriorated=())  # the alert has named it
    if len(news.improved) == 1 and named.issuperset(news.improved):
        news = replace(news, improved=())
    return fitted(lead, alerts, trend_ways(news))


def fitted(lead: str, alerts: Sequence[str], trends: Sequence[str]) -> str:
    """The fullest way that leaves the subject short enough: alerts first, with trends as far as there is room."""
    room = LONGEST_SUBJECT - len(lead.encode()) - len(": ")
    rests = [*(f"; {each}" for each in trends), ""] if alerts else trends
    for told in alerts or [""]:
        for rest in rests:
            if len(told.encode()) + len(rest.encode()) <= room:
                return f"{lead}: {told}{rest}"
    return lead


def preheader(entry: Entry) -> str:
    """The news of the place that has most to tell."""
    return brief(f"{entry.place.name}: {entry.update.headline}", LONGEST_PREHEADER)


def alert_ways(conflict_risk: Sequence[str], resolution_opportunity: Sequence[str]) -> list[str]:
    """Ways to tell of alerts, the fullest first; none without any."""
    if not (conflict_risk or resolution_opportunity):
        return []
    risk, chance = ("risk alert", "risk alerts"), ("opportunity", "opportunities")
    ways = (
        (_named(risk, conflict_risk, 3), _named(chance, resolution_opportunity, 2)),
        (_named(risk, conflict_risk, 1), _named(chance, resolution_opportunity, 1)),
        (_named(risk, conflict_risk, 3), _counted(chance, resolution_opportunity)),
        (_named(risk, conflict_risk, 3), ""),
        (_named(risk, conflict_risk, 1), _counted(chance, resolution_opportunity)),
        (_named(risk, conflict_risk, 1), ""),
        (_counted(risk, conflict_risk), _counted(chance, resolution_opportunity)),
    )
    told = ("; ".join(each for each in way if each) for way in ways)
    return list(dict.fromkeys(each for each in told if each))


def trend_ways(news: News) -> list[str]:
    """Ways to tell of trends, the fullest first; that nothing changed is only worth telling where there is no alert."""
    if not (news.deteriorated or news.improved):
        is_quiet = not (news.conflict_risk or news.resolution_opportunity)
        return [f"no change in {news.only or f'{news.places} places'}"] if is_quiet else []
    ways = (
        _trends(news.deteriorated, news.improved),
        _trends([""] * len(news.deteriorated), [""] * len(news.improved)),
        _trends(news.deteriorated, ()) if news.deteriorated else "",
    )
    return list(dict.fromkeys(each for each in ways if each))


def _named(words: tuple[str, str], names: Sequence[str], most: int) -> str:
    """risk alert for Sudan; risk alerts for Mali and Sudan; risk alerts for Mali and 3 more."""
    if not names:
        return ""
    shown = list(names) if len(names) <= most else [names[0], f"{len(names) - 1} more"]
    return f"{words[len(names) > 1]} {'in' if words[0] == 'opportunity' else 'for'} {_listed(shown)}"


def _counted(words: tuple[str, str], names: Sequence[str]) -> str:
    return f"{len(names)} {words[len(names) > 1]}" if names else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join(each for each in (", ".join(names[:-1]), names[-1]) if each)


def _trends(deteriorated: Sequence[str], improved: Sequence[str]) -> str:
    """3 places deteriorated, 1 improved; Kazakhstan deteriorated; 2 places improved."""
    if deteriorated and improved:
        return f"{_which(deteriorated)} deteriorated, {len(improved)} improved"
    return f"{_which(deteriorated or improved)} {'deteriorated' if deteriorated else 'improved'}"


def _which(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 and names[0] else f"{len(names)} place{'s' * (len(names) > 1)}"
