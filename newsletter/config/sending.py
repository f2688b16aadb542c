"""What the settings about sending may be, and how they are shown. See config.values for the others."""

from __future__ import annotations

import re
from dataclasses import fields

from newsletter.delivery.destinations.calendar import QuietHours, WarmUp
from newsletter.delivery.settings import Timeouts, check_helo_name
from newsletter.errors import SettingsError

Rates = tuple[tuple[str, float], ...]  #: destinations, and messages a second

_TIMEOUT_NAMES = tuple(each.name for each in fields(Timeouts))
_DESTINATION = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def timeouts(value: str) -> Timeouts:
    """Read name=seconds, one after the other."""
    example = "write steps and seconds, such as greeting=60 dot=300; the steps are " + " ".join(_TIMEOUT_NAMES)
    found = _numbers(value, example)
    if found.keys() - set(_TIMEOUT_NAMES):
        raise ValueError(example)
    try:
        return Timeouts(**found)
    except SettingsError:
        raise ValueError(example) from None


def rates(value: str) -> Rates:
    """Read destination=messages a second, one after the other."""
    example = "write destinations and messages a second, such as gmail=20 example.org=0.5"
    found = {name.lower(): rate for name, rate in _numbers(value, example).items()}
    if not all(_DESTINATION.fullmatch(name) and 0.001 <= rate <= 100_000 for name, rate in found.items()):
        raise ValueError(example)
    return tuple(found.items())


def helo_name(value: str) -> str:
    check_helo_name(value.strip())
    return value.strip()


def quiet_hours(value: str) -> QuietHours:
    return QuietHours.parse(value)


def warm_up(value: str) -> WarmUp:
    return WarmUp.parse(value)


def show_timeouts(value: Timeouts) -> str:
    return " ".join(f"{name}={getattr(value, name):g}" for name in _TIMEOUT_NAMES)


def show_rates(value: Rates) -> str:
    return " ".join(f"{name}={rate:g}" for name, rate in value)


def show_if_set(value: object) -> str:
    return "" if value is None else str(value)


def _numbers(value: str, example: str) -> dict[str, float]:
    found = {}
    for word in value.split():
        name, _, number = word.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise ValueError(example) from None
    return found
