"""Every process of the service logs in the same way."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

SAY = "import logging; logging.getLogger('newsletter.x').info('hello'); logging.getLogger('other').info('not this')"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("from newsletter.web.wsgi import app; app()", id="the site in a WSGI server"),
        # Its parent is gone, so it is over at once.
        pytest.param(
            "import os; from newsletter import config; from newsletter.jobs.service import sender_process;"
            "sender_process(config.load(os.environ), -1)",
            id="the sender's process",
        ),
        pytest.param(
            "from newsletter.cli.main import cli; cli(['places', 'list'], standalone_mode=False)", id="a command"
        ),
    ],
)
def test_what_the_service_says_is_on_stderr_in_one_format(tmp_path, start):
    ran = subprocess.run(
        [sys.executable, "-c", f"{start}; {SAY}"],
        env={"NEWSLETTER_INSTANCE": str(tmp_path / "instance")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO newsletter\.x: hello\n", ran.stderr)
