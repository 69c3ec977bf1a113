"""What the demo plays on: a data folder, the command of the MCP server, and the end of the sandbox that it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ringback_server.demo.handset import Handset, HandsetError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS: Final = ("RINGBACK_", "SAAS_")
_KEYS: Final = ("RINGBACK_KEY", "RINGBACK_KEY_FILE")
_END_S: Final = 5.0
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one performance takes place.

    Attributes:
        home: the data folder.
        temporary: whether the folder goes when the demo ends.
    """

    home: Path
    temporary: bool

    @property
    def command(self) -> list[str]:
        """The MCP server, by this very Python: the script may not be on PATH."""
        return [sys.executable, "-m", "ringback_server", "mcp"]

    @property
    def environment(self) -> dict[str, str]:
        """The server's environment: whatever is configured, here it is the sandbox and this folder."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        wanted = ("RINGBACK_SANDBOX_PORT", *(() if self.temporary else _KEYS))
        ours = {key: os.environ[key] for key in wanted if key in os.environ}
        return {**kept, **ours, "RINGBACK_CARRIER": "sandbox", "RINGBACK_HOME": str(self.home)}


@contextlib.contextmanager
def set_stage(home: Path | None) -> Iterator[Stage]:
    """A stage on `home`, or on a temporary folder; afterwards ends the sandbox, unless it ran before."""
    with contextlib.ExitStack() as stack:
        if home is None:
            # What the sandbox writes while it ends is no reason to fail.
            folder = tempfile.TemporaryDirectory(prefix="ringback-demo-", ignore_cleanup_errors=True)
            stage = Stage(Path(stack.enter_context(folder)).resolve(), temporary=True)
        else:
            stage = Stage(home, temporary=False)
        sandbox = _Sandbox(stage.home / "sandbox")
        if sandbox.running() is None:
            stack.callback(sandbox.end)
        yield stage


class _Sandbox:
    """The sandbox process of one folder, by the endpoint that it announces there."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._endpoint = state / "endpoint.json"

    def running(self) -> int | None:
        """Its process id, only where the process behind the announced address says that it is the announced one."""
        endpoint = self._announced()
        if endpoint is None:
            return None
        try:
            health = Handset(endpoint["url"]).ask("GET", "/sandbox/health")
        except HandsetError:
            return None
        return int(endpoint["pid"]) if health.get("instance") == endpoint["instance"] else None

    def end(self) -> None:
        """End it and wait until it has let go of its folder."""
        if not (self._state / "sandbox.log").exists():
            return  # nobody started one
        deadline = time.monotonic() + _END_S
        while (pid := self.running()) is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)  # an interruption can come while it is still starting
        for number in (signal.SIGTERM, signal.SIGKILL):
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + _END_S
            while (pid := self.running()) is not None and time.monotonic() < deadline:
                time.sleep(_POLL_S)

    def _announced(self) -> dict[str, Any] | None:
        try:
            endpoint = json.loads(self._endpoint.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        known = isinstance(endpoint, dict) and {"url", "pid", "instance"} <= endpoint.keys()
        return endpoint if known else None
