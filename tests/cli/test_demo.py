"""The demo walks the whole job by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def test_the_demos_check_walks_the_whole_way_and_says_so():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [str(Path(sys.executable).with_name("newsletter")), "demo", "--check", "--port", port]

    ran = subprocess.run(
        command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("all is well\n")
    assert "and not about Haiti" in ran.stdout
