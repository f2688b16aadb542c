"""What a check found, how much it weighs, and what all of them found together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to an approval."""

    ERROR = "error"  #: stops it
    WARNING = "warning"  #: asks: somebody has to say that they have seen it


class Check(StrEnum):
    """What is looked at before a release, in the order in which it is told."""

    NOTHING_READY = "nothing_ready"
    POSTAL_ADDRESS = "postal_address"
    LINK = "link"
    SIZE = "size"
    IMAGE = "image"
    MISSING = "missing"
    DRAFT = "draft"
    CHANGED = "changed"
    TREND = "trend"
    ALERT = "alert"
    QUOTE = "quote"
    DEAD_LINK = "dead_link"
    SPELLING = "spelling"
    SUBJECT = "subject"
    PREHEADER = "preheader"

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self in _STOPPING else Severity.WARNING

    @property
    def heading(self) -> str:
        return _HEADINGS[self]


_STOPPING = frozenset({Check.NOTHING_READY, Check.POSTAL_ADDRESS, Check.LINK, Check.SIZE})
_HEADINGS = {
    Check.NOTHING_READY: "Nothing to send",
    Check.POSTAL_ADDRESS: "No postal address",
    Check.LINK: "Links that lead nowhere from a mail",
    Check.SIZE: "Too large",
    Check.IMAGE: "Images",
    Check.MISSING: "Places missing",
    Check.DRAFT: "Left out as drafts",
    Check.CHANGED: "Changed since it was proposed",
    Check.TREND: "Trend changed without a reason",
    Check.ALERT: "Alert without a word on why",
    Check.QUOTE: "Quote without a source",
    Check.DEAD_LINK: "Links that don’t answer",
    Check.SPELLING: "Spelling of place names",
    Check.SUBJECT: "Length of the subject",
    Check.PREHEADER: "Headlines that are cut short",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that should not be as it is."""

    check: Check
    words: str  #: a sentence for an editor
    place: str | None = None  #: the code of the place whose update is to be mended; None: the edition or a setting


@dataclass(frozen=True, slots=True)
class Group:
    """All that one check found."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str:
        """What is ticked as seen; another one as soon as anything else is found."""
        told = "\n".join(f"{each.place} {each.words}" for each in self.findings)
        return f"{self.check.value}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Checklist:
    """What all checks found."""

    groups: tuple[Group, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Checklist:
        """The findings by check, in the checks' order."""
        by_check: dict[Check, list[Finding]] = {check: [] for check in Check}
        for finding in findings:
            by_check[finding.check].append(finding)
        return cls(tuple(Group(check, tuple(found)) for check, found in by_check.items() if found))

    @property
    def errors(self) -> tuple[Group, ...]:
        """What stops an approval."""
        return tuple(group for group in self.groups if group.check.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Group, ...]:
        """What asks."""
        return tuple(group for group in self.groups if group.check.severity is Severity.WARNING)

    def unseen(self, seen: Collection[str]) -> tuple[Group, ...]:
        """The warnings whose key is not among `seen`."""
        return tuple(group for group in self.warnings if group.key not in seen)

    @property
    def words(self) -> str:
        """How much was found: 1 error, 4 warnings."""
        return f"{_counted(self.errors, 'error')}, {_counted(self.warnings, 'warning')}"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "errors": sum(len(group.findings) for group in self.errors),
            "warnings": sum(len(group.findings) for group in self.warnings),
            "findings": [
                {"check": each.check.value, "severity": each.check.severity.value, "place": each.place}
                | {"words": each.words}
                for group in self.groups
                for each in group.findings
            ],
        }


def _counted(groups: Iterable[Group], word: str) -> str:
    number = sum(len(group.findings) for group in groups)
    return f"{number} {word}{'' if number == 1 else 's'}"
