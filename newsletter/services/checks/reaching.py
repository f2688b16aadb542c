"""Links that don't answer. To ask them all takes long, so it is done on request, and what came back is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from newsletter.services import probes
from newsletter.services.checks.fetching import Fetcher
from newsletter.services.checks.finding import Check, Finding
from newsletter.services.checks.markdown import Reference
from newsletter.services.probes import ProbeKind
from newsletter.storage.tables import Edition

MOST_LINKS: Final = 300  #: that are asked at once, in the edition's order
_AT_ONCE: Final = 32  #: so that all take seconds, and less than a minute if none of them answers


@dataclass(frozen=True, slots=True)
class Answers:
    """What a round of questions brought."""

    at: datetime
    asked: int
    problems: Mapping[str, str]  #: by address: why it doesn't answer


def addresses(references: Iterable[Reference]) -> list[str]:
    """The web addresses among links, each once, as many as are asked."""
    found = (each.url for each in references if not each.is_image and _is_web(each.url))
    return list(dict.fromkeys(found))[:MOST_LINKS]


def ask(urls: Collection[str], fetcher: Fetcher) -> dict[str, str]:
    """Those that don't answer, and why. It waits on the network: call it with no transaction open."""
    if not urls:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(urls)), "links") as pool:
        found = zip(urls, pool.map(fetcher.problem, urls), strict=True)
        return {url: problem for url, problem in found if problem is not None}


def keep(
    session: Session, edition: Edition, urls: Collection[str], problems: Mapping[str, str], *, now: datetime
) -> None:
    """Keep what came back with the edition."""
    content = {"asked": len(urls), "problems": dict(problems)}
    probes.keep(session, edition, ProbeKind.LINKS, content, now=now)


def kept(session: Session, edition: Edition) -> Answers | None:
    """What came back last; None when nobody has asked."""
    probe = probes.find(session, edition, ProbeKind.LINKS)
    return Answers(probe.made_at, probe.content["asked"], probe.content["problems"]) if probe is not None else None


def findings(answers: Answers | None, references: Iterable[Reference]) -> Iterator[Finding]:
    """The links of the edition as it stands now that did not answer then."""
    problems = answers.problems if answers is not None else {}
    for each in references:
        if each.url in problems and not each.is_image:
            yield Finding(Check.DEAD_LINK, f"{each.where}: {each.url} {problems[each.url]}.", each.place)


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
