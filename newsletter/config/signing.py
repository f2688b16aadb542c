"""The keys that mail is signed with (DKIM), as the settings name them: a selector, and the file of the private key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from newsletter.config.named import NamedFiles, content
from newsletter.errors import InvalidInput
from newsletter.mail.dkim import Algorithm, Key

LARGEST_FILE = 16_384  #: bytes; an RSA key of 4096 bits has 3,300


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key as it lies in its file: settings are handed from process to process, and a loaded key can't be."""

    selector: str
    pem: bytes = field(repr=False)

    def load(self) -> Key:
        """Raises SettingsError."""
        return Key.load(self.selector, self.pem)


def find(files: NamedFiles) -> tuple[KeyFile, ...]:
    """The keys that the settings name. Raises SettingsError, also for one that can't sign."""
    found = [each for each in (_key(files, ""), _key(files, "ed25519_", only=Algorithm.ED25519)) if each is not None]
    with files.blaming("dkim_ed25519_selector"):
        if len({each.selector for each in found}) < len(found):
            raise InvalidInput("it is DKIM_SELECTOR too; each key needs a selector of its own")
    return tuple(found)


def _key(files: NamedFiles, kind: str, only: Algorithm | None = None) -> KeyFile | None:
    selector, file = f"dkim_{kind}selector", f"dkim_{kind}key"
    for name, other in ((selector, file), (file, selector)):
        with files.blaming(name):
            if files.values.get(name) and not files.values.get(other):
                raise InvalidInput(f"it goes with {other.upper()}, which is not set")
    pem = files.read(file, _pem)
    if pem is None:
        return None
    found = KeyFile(str(files.values[selector]), pem)
    with files.blaming(file):
        algorithm = found.load().algorithm
        if only is not None and algorithm is not only:
            raise InvalidInput("it is an RSA key; name it in DKIM_KEY")
    return found


def _pem(path: Path) -> bytes:
    return content(path, LARGEST_FILE)
