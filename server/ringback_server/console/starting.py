"""Finding the console of a data folder, and starting one. Imports nothing of a web server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.settings import Settings

IDLE_EXIT_S: Final = 3600
_START_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.05
_ANSWER_TIMEOUT_S: Final = 2.0
_ADDRESS: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d{1,5})", re.ASCII)


def console_folder(settings: Settings) -> Path:
    """Where the console keeps its endpoint, its lock and its passphrase."""
    return settings.home / "console"


def identity(settings: Settings) -> dict[str, str]:
    """What a console must have in common with whoever joins it."""
    return {"carrier": settings.carrier_name, "approval": settings.approval.value}


def host_name(settings: Settings) -> str:
    """The name under which people open the console.

    Passkeys belong to a name, never to an address. Without the need for one it is the address: fewer other servers of
    this machine are visited under it, and all that are get the session's cookie as well.
    """
    return "localhost" if settings.approval is ApprovalFloor.PASSKEY else "127.0.0.1"


def claim(folder: Path) -> sqlite3.Connection | None:
    """Hold the folder for this process alone until the connection closes; `None` where another process does.

    The lock is the operating system's, so it goes with the process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "lock.db"
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


def running_console(settings: Settings) -> str | None:
    """The address of the console that runs for these settings, if one answers. Takes two seconds at most."""
    endpoint = _endpoint(settings)
    if endpoint is None or any(endpoint.get(name) != value for name, value in identity(settings).items()):
        return None
    return str(endpoint["url"])


async def ensure_console(settings: Settings) -> str:
    """The address of the console, started as a process of its own when none runs for these settings.

    One that runs for another carrier or another least approval could not answer for what waits here: it is ended first.

    Raises:
        ConfigurationError: it did not start.
    """
    url = await asyncio.to_thread(running_console, settings)
    if url is not None:
        return url
    from ringback.detached import start_detached

    await asyncio.to_thread(end_other, settings)
    log = console_folder(settings) / "console.log"
    arguments = ("--port", str(settings.console_port), "--idle-exit", str(IDLE_EXIT_S))
    child = start_detached("ringback_server.console", *arguments, log=log, keep_settings=True)
    waited = 0.0
    while waited < _START_TIMEOUT_S:
        url = await asyncio.to_thread(running_console, settings)
        if url is not None:
            return url
        if child.poll():
            break
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S
    raise ConfigurationError("The console did not start.", hint=f"See {log}, or run: ringback console")


def end_other(settings: Settings) -> None:
    """End a console of this folder that serves another carrier or another least approval, if there is one."""
    endpoint = _endpoint(settings)
    if endpoint is None or all(endpoint.get(name) == value for name, value in identity(settings).items()):
        return
    with contextlib.suppress(OSError):
        os.kill(endpoint["pid"], signal.SIGTERM)


def _endpoint(settings: Settings) -> dict[str, Any] | None:
    """What the running console announced: believed only if the folder is held and the address answers."""
    folder = console_folder(settings)
    try:
        told = json.loads((folder / "endpoint.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not (isinstance(told, dict) and isinstance(told.get("url"), str) and isinstance(told.get("pid"), int)):
        return None
    address = _ADDRESS.fullmatch(told["url"])
    if address is None or not _is_held(folder) or not _answers(int(address.group(1)), told["pid"]):
        return None
    return told


def _is_held(folder: Path) -> bool:
    """Whether a process holds the folder. Looking does not get in the way of one that is just taking it."""
    try:
        with contextlib.closing(sqlite3.connect(f"{(folder / 'lock.db').as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


def _answers(port: int, pid: int) -> bool:
    from http.client import HTTPConnection, HTTPException

    # Not the carriers' HTTP client: one request to this very machine, on a path that must start fast.
    connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read(1024)) == {"service": "ringback-console", "pid": pid}  # noqa: PLR2004 - HTTP
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
