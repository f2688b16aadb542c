"""Parts that a test needs beside Python: a browser, Postfix's test tools, PostgreSQL.

On a user's machine a test whose part is missing is skipped, with the command that installs it; in CI it fails.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require(program: str, install: str) -> str:
    """The path of a program; without it the test is skipped, or fails in CI."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if found is None:
        missing(program, install)
    return found


def missing(part: str, install: str) -> NoReturn:
    """Skip the test, or fail it in CI, for a part that is not there."""
    message = f"{part} is missing; install it with: {install}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def chromium() -> str:
    """The path of Debian's browser."""
    return require("chromium", "apt-get install chromium")


def smtp_sink() -> str:
    """The path of Postfix's test server."""
    return require("smtp-sink", "apt-get install --no-install-recommends postfix")
