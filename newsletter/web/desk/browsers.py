"""Browsers by what they call themselves (User-Agent: RFC 9110, 10.1.5), as people call them."""

from __future__ import annotations

#: The first that fits counts: most browsers name others too.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 40


def browser(agent: str | None) -> str:
    """Such as "Firefox on Windows"; else the beginning of what it says itself."""
    if not agent:
        return "Unknown browser"
    name = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if name is None:
        return agent[:_LONGEST]
    return f"{name} on {system}" if system else name
