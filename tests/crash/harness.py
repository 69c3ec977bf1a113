"""Starts the processes that play the cases, each with a sandbox of its own, and reads what became of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ringback_support.open_rules import OPEN_RULES
from tests.conftest import launch_sandbox

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 900
MEMORY = Path("/dev/shm")


def environment() -> dict[str, str]:
    """No settings from outside, and what the tests share on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RINGBACK_", "SAAS_"))}
    path = [str(ROOT), str(ROOT / "tests" / "support"), kept.get("PYTHONPATH", "")]
    return {**kept, **OPEN_RULES, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def end(process: subprocess.Popen[bytes]) -> None:
    """After a failure, end the process and what it forked: they are a group of their own, and some may be stopped."""
    if process.returncode != 0:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def together(module: str, *tasks: dict[str, Any]) -> list[Any]:
    """Run `python -m tests.crash.<module>` for each task at once; their answers."""
    with ExitStack() as stack:
        # In memory where that is possible: a killed process loses nothing that it wrote, and the ledger syncs a lot.
        memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
        running = []
        for number, task in enumerate(tasks):
            folder = root / str(number)
            sandbox = launch_sandbox(folder / "sandbox", "--memory", "--rate", "0")
            stack.callback(sandbox.end)
            given = json.dumps({**task, "endpoint": str(sandbox.state / "endpoint.json"), "number": number})
            with (folder / "errors").open("wb") as errors, (folder / "answer").open("wb") as answer:
                command = [sys.executable, "-m", f"tests.crash.{module}", str(folder), given]
                process = subprocess.Popen(
                    command, stdout=answer, stderr=errors, cwd=ROOT, env=environment(), start_new_session=True
                )
            stack.callback(end, process)
            running.append((process, folder))
        for process, folder in running:
            if process.wait(LIMIT_S) != 0:
                raise AssertionError((folder / "errors").read_text()[-4000:])
        return [json.loads((folder / "answer").read_text()) for _, folder in running]
