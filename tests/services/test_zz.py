import pytest
from tests.services.test_guard import *
from tests.services.test_guard import SqliteBackup, run, has_taken
@pytest.mark.parametrize("n", range(3))
def test_gap(sqlite, make_settings, n):
    with Relay() as relay:
        settings = make_settings(smtp_url=relay.url, connections="2", mx_lookup="off")
        start_sending(sqlite, settings, ["KZ"] * 300)
        backup = None
        def over():
            nonlocal backup
            if backup is None and len(relay.taken()) >= 20:
                backup = SqliteBackup(sqlite)
            return len(relay.taken()) >= 150
        run(sqlite, settings, over)
        restored = backup.restore(sqlite, "over the same file")
        before = len(relay.taken())
        s = run(restored, settings, has_taken(relay, before + 50), now=LATER)
        print("HALTED", s.halted, before, len(relay.taken()), len(relay.taken()) - len({t.rcpt_to for t in relay.taken()}))
        restored.close()
