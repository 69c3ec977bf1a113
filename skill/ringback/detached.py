"""Processes that outlive the one that started them: the sandbox and the console page (docs/decisions/0005)."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_started: Final[list[subprocess.Popen[bytes]]] = []
"""Kept so that a child that ends before us is reaped, and none is warned about as forgotten."""


def start_detached(module: str, *arguments: str, log: Path, keep_settings: bool = False) -> subprocess.Popen[bytes]:
    """Run `python -m module` in a session of its own, with no standard input or output.

    Args:
        module: the module to run.
        arguments: its arguments; no number and no secret, for anybody can list them.
        log: where its standard error goes.
        keep_settings: whether it sees Ringback's own settings and the carriers' credentials.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = ("RINGBACK_", "SAAS_")
    environment = {key: value for key, value in os.environ.items() if keep_settings or not key.startswith(mine)}
    with log.open("ab") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module; arguments are paths and ports
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env=environment,
        )
    _started.append(child)
    return child
