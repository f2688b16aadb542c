"""`edition send` beside workers on PostgreSQL: whoever runs sends, and that is told."""

from __future__ import annotations

import pytest

from tests.conftest import NOW
from tests.jobs.cluster import at_work
from tests.readers import MONTH, add_readers, approve_sample


@pytest.fixture
def send(run, postgresql, catcher, settings):
    """Send the sample month's edition to three readers by the command line, which knows this server and this relay."""
    add_readers(postgresql, 3, now=NOW)
    approve_sample(postgresql, settings, now=NOW, start=False)

    def act(*words: str):
        return run("edition", "send", MONTH, *words, DATABASE_URL=postgresql.url, SMTP_URL=catcher.url)

    return act


def test_without_a_worker_the_command_sends_by_itself(send, catcher):
    ran = send()

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "2022-11: sending by this command, as no worker is running\n2022-11: sent: 3 sent\n"
    assert len(catcher.messages()) == 3


def test_beside_a_worker_the_command_watches(send, catcher, postgresql, make_settings):
    settings = make_settings(smtp_url=catcher.url, mx_lookup="off")
    with at_work(postgresql, settings):
        ran = send("--wait")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "2022-11: workers are running, and send it\n2022-11: sent: 3 sent\n"
    assert len(catcher.messages()) == 3
