"""The doctor's look at the key: where it comes from, whether it is safe there, whether a change of it was cut off."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.settings import Settings

_OTHERS: Final = 0o077


def look(settings: Settings, facts: dict[str, Any]) -> list[str]:
    """Add what is found to `facts`; the warnings."""
    path, warnings = settings.key_path, []
    facts["source"], facts["file"] = ("RINGBACK_KEY" if settings.key else "file"), str(path)
    facts["file_exists"] = path.exists()
    if path.exists():
        facts["mode"] = f"{stat.S_IMODE(path.stat().st_mode):04o}"
        if settings.key and os.name == "posix" and path.stat().st_mode & _OTHERS:
            warnings.append(f"The key file, though unused, can be read by others. Run: chmod 600 {path}")
    waiting = sorted(path.parent.glob(f"{path.name}.next-*"))
    facts["unfinished_rotation"] = bool(waiting)
    in_force = _fingerprint(settings.ledger_path) if waiting else None
    for following in waiting:
        if in_force is not None and following.name.endswith(f"-{in_force}"):
            warnings.append(
                f"A change of the key was cut off. {following} holds the ledger's key: keep it. {_do(settings)}"
            )
        else:
            warnings.append(f"A change of the key was cut off before it changed anything. Remove {following}")
    return warnings


def _do(settings: Settings) -> str:
    if settings.key:
        return "Set RINGBACK_KEY to what is in it."
    return "The next use of ringback puts it in its place."


def _fingerprint(ledger: Path) -> str | None:
    """Which key the ledger is under, as it says itself."""
    with suppress(sqlite3.Error):
        if ledger.exists():
            with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as connection:
                row = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
                return None if row is None else str(row[0])
    return None
