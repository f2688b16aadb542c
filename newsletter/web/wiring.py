"""What the views need of the program around them, kept with the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app

from newsletter.config import Settings
from newsletter.mail.caught import Inbox
from newsletter.mail.links import Tokens
from newsletter.mail.publication import Publication

_NAME = "newsletter"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Made once, when the application is."""

    settings: Settings
    clock: Callable[[], datetime]
    tokens: Tokens
    publication: Publication
    inbox: Inbox | None  #: the demo's mail catcher

    def keep(self, app: Flask) -> None:
        """Let `wiring` find this."""
        app.extensions[_NAME] = self


def wiring() -> Wiring:
    """Of the application that answers the request."""
    found = current_app.extensions[_NAME]
    if not isinstance(found, Wiring):
        raise TypeError("the application was not made by create_app")
    return found


def now() -> datetime:
    """The time, by the application's clock."""
    return wiring().clock()
