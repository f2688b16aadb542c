"""Files that settings name: read once, at start, so that what mails show and are signed with stays the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from newsletter.errors import InvalidInput, NewsletterError, SettingsError

Read = TypeVar("Read")


@contextmanager
def blaming(name: str, source: str) -> Iterator[None]:
    """Say which setting it is that can't be used, and where it was set."""
    try:
        yield
    except (ValueError, NewsletterError) as error:
        raise SettingsError(f"{source}: {name.upper()} can't be used: {error}") from None


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """The files of one instance."""

    folder: Path  #: of the instance; what a setting names is looked for from there
    values: Mapping[str, object]
    sources: Mapping[str, str]

    def blaming(self, name: str) -> AbstractContextManager[None]:
        """As the function does, with the source of the setting."""
        return blaming(name, self.sources.get(name, "default"))

    def read(self, name: str, read: Callable[[Path], Read]) -> Read | None:
        """What `read` makes of the file that a setting names; None where it names none. Raises SettingsError."""
        if not self.values.get(name):
            return None
        with self.blaming(name):
            return read(self.folder / str(self.values[name]))


def content(path: Path, most: int) -> bytes:
    """A file of at most so many bytes. Raises InvalidInput."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}") from None
    if len(data) > most:
        raise InvalidInput(f"{path} has more than {most:,} bytes")
    return data
