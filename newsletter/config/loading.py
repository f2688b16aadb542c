"""Reads the settings: the environment, else instance/config.toml, else the default; and the files that they name."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletter.config import logo, signing
from newsletter.config.named import NamedFiles, blaming
from newsletter.config.settings import Settings, _known
from newsletter.config.values import SHORTEST_SECRET
from newsletter.errors import SettingsError
from newsletter.mail.brand import accent_dark_of

PREFIX = "NEWSLETTER_"


def load(environment: Mapping[str, str], **overrides: str) -> Settings:
    """Read the settings; `overrides` (lower-case names) win over all. Makes the instance folder and its secret key.

    Raises SettingsError.
    """
    given = {
        name.removeprefix(PREFIX).lower(): (value, f"environment {name}")
        for name, value in environment.items()
        # The tests' own variables share the prefix.
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
    }
    given |= {name: (value, "command line") for name, value in overrides.items()}
    instance, instance_source = given.pop("instance", ("instance", "default"))
    folder = _folder(Path(instance).absolute())
    values: dict[str, Any] = {}
    sources = {"instance": instance_source}
    for name, (raw, source) in (_file(folder / "config.toml") | given).items():
        _require_known(name, source)
        if raw.strip():
            values[name] = _read(name, raw, source)
            sources[name] = source
    _complete(values, sources, folder)
    files = NamedFiles(folder, values, sources)
    return Settings(
        instance=folder, logo_files=logo.find(files), dkim_files=signing.find(files), sources=sources, **values
    )


def _complete(values: dict[str, Any], sources: dict[str, str], folder: Path) -> None:
    """Add what is made where nobody set it."""
    if "database_url" not in values:
        values["database_url"] = f"sqlite:///{folder / 'newsletter.db'}"
    if "secret_key" not in values:
        values["secret_key"] = _kept_secret(folder / "secret_key")
        sources["secret_key"] = str(folder / "secret_key")
    if "accent" in values and "accent_dark" not in values:
        values["accent_dark"] = accent_dark_of(values["accent"])
        sources["accent_dark"] = "made from ACCENT"


def _require_known(name: str, source: str) -> None:
    if name == "instance":
        raise SettingsError(f"{source}: INSTANCE is where this file is looked for; set it in the environment")
    if name not in _known():
        raise SettingsError(f"{source}: there is no setting {name.upper()!r}; 'newsletter config' lists them")


def _read(name: str, raw: str, source: str) -> object:
    try:
        raw.encode()  # bytes of the environment that are no UTF-8 come as surrogates
    except UnicodeEncodeError:
        raise SettingsError(f"{source}: {name.upper()} is no UTF-8 text") from None
    with blaming(name, source):
        return _known()[name].metadata["read"](raw)


def _file(path: Path) -> dict[str, tuple[str, str]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from None
    found = {}
    for name, value in data.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise SettingsError(f"{path}: {name} is no text and no number")
        found[name.lower()] = (str(value), str(path))
    return found


def _folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold addresses
        probe = path / f".writable-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written ({error.strerror}); make it writable, or name another in NEWSLETTER_INSTANCE"
        ) from None
    return path


def _kept_secret(path: Path) -> str:
    """The secret of this instance; two processes that start at once end up with the same one."""
    try:
        if not path.exists():
            fresh = path.with_name(f".secret_key-{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        kept = path.read_bytes().decode("ascii", errors="replace").strip()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    if len(kept) < SHORTEST_SECRET:
        raise SettingsError(
            f"{path} holds no secret key; put it back from a backup, or delete it and links in old mail end"
        )
    return kept
