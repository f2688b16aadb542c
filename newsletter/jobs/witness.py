"""What senders have seen of their database, in small files beside it: services.guard compares.

They are written after each commit and never flushed to the disk: a power cut may lose the last ones, and a witness that
knows too little raises no false alarm.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from newsletter.errors import SettingsError
from newsletter.services.guard import Witness
from newsletter.services.runs import Scope

FOLDER: Final = "witness"  #: in the instance folder
_LONGEST: Final = 512  #: octets of a file, so that each note is one write over the one before it


def read_all(instance: Path) -> Iterator[Witness]:
    """All witnesses of an instance; one that can't be read tells nothing."""
    for path in sorted((instance / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError, OverflowError):
            found = json.loads(path.read_text(encoding="ascii"))
            yield Witness(str(found["timeline"]), int(found["run"]), int(found["ticks"]), int(found["at"]))


class WitnessFile:
    """Where a sender notes its ticks. A context manager. Raises SettingsError where it can't be written."""

    def __init__(self, instance: Path, scope: Scope) -> None:
        self._folder = instance / FOLDER
        self._path = self._folder / f"{re.sub(r'[^a-z0-9]+', '-', scope.name)}.json"
        self._edition_id = scope.edition_id
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"{self._path} can't be written: {error.strerror}") from None
        self._forget_older_editions()
        return self

    def note(self, witness: Witness) -> None:
        """Keep what was committed."""
        if self._descriptor is not None:
            line = json.dumps(asdict(witness)).ljust(_LONGEST)
            with suppress(OSError):  # a full disk: the one before it still tells the truth
                os.pwrite(self._descriptor, line.encode("ascii"), 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _forget_older_editions(self) -> None:
        if self._edition_id is None:
            return
        for path in self._folder.glob("edition-*.json"):
            number = re.match(r"edition-(\d+)-", path.name)
            if number and int(number[1]) < self._edition_id:
                path.unlink(missing_ok=True)
