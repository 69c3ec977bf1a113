"""Which process is dispatching, so that another one can tell whether it is still there."""

from __future__ import annotations

import os
import platform
from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def _machine() -> str:
    """This machine since its last start, and this process namespace: where a process id means one process."""
    parts = [platform.node()]
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(source)
        try:
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text(encoding="ascii"))
        except OSError:
            parts.append("")
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def this_process() -> str:
    """The name under which this process takes an outbound."""
    return f"{_machine()}:{os.getpid()}"


def is_gone(owner: str | None) -> bool:
    """Whether the owner is certainly no longer running. In doubt it is not gone, and its lease decides."""
    if owner is None or os.name != "posix":
        return False
    machine, _, pid = owner.partition(":")
    if machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
