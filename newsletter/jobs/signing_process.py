"""What a process does that signs for a sender: `python -m newsletter.jobs.signing_process`.

It reads its keys, as JSON in one line, and answers with an empty line when it is ready. Then hashes come in, each piece
behind a line with its length in octets: those of one message after another, one a key. Their signatures go out, one
after another. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from itertools import cycle

from newsletter.mail.dkim.key import HASH_OCTETS, Key

NICENESS = 10  #: the sender goes first where they share a core: it has work for everybody else


def main() -> None:
    """Read keys, then hashes, until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sender
    os.nice(NICENESS)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    keys = [Key.load(each["selector"], each["pem"].encode("ascii")) for each in json.loads(source.readline())]
    target.write(b"\n")
    target.flush()
    while length := source.readline():
        hashes = source.read(int(length))
        cut = [hashes[start : start + HASH_OCTETS] for start in range(0, len(hashes), HASH_OCTETS)]
        target.write(b"".join(key.sign_hash(each) for key, each in zip(cycle(keys), cut, strict=False)))
        target.flush()


if __name__ == "__main__":
    main()
