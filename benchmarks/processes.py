"""What Linux tells of processes: their memory, and the processor time that they have taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process, as it is now."""

    parent_id: int
    cpu_seconds: float
    children_seconds: float  #: processor time of its children that have ended


def find(process_id: int) -> Process:
    """Raises OSError when there is none."""
    # The name before the last bracket may have anything in it (proc_pid_stat(5)).
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return Process(int(fields[1]), (user + system) / _TICKS, (children_user + children_system) / _TICKS)


def family_cpu_seconds(process_id: int) -> float:
    """The processor time of a process and of its children, those that have ended too."""
    head = find(process_id)
    return head.cpu_seconds + head.children_seconds + sum(each.cpu_seconds for each in _children(process_id))


def own_number(file: str, field: str) -> int:
    """A line of a file about this process, in /proc/self."""
    lines = Path("/proc/self", file).read_text(encoding="utf-8", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def own_memory(field: str) -> float:
    """This process's memory in MB: VmRSS now, VmHWM at most.

    The maximum that getrusage tells is at least that of whoever started this process.
    """
    return own_number("status", field) * 1024 / 1e6


def _children(process_id: int) -> Iterator[Process]:
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            found = find(int(path.name))
            if found.parent_id == process_id:
                yield found
