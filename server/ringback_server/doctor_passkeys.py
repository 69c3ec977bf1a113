"""The doctor's look at passkeys: how many there are, whether they can be used, and whether somebody wrote their own."""

from __future__ import annotations

import asyncio
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from ringback.keys import Keyring
    from ringback.settings import Settings


def look(settings: Settings, keyring: Keyring | None, facts: dict[str, Any]) -> list[str]:
    """Add what is found to `facts`; the warnings.

    Raises:
        LedgerError: the ledger cannot be opened.
    """
    facts["library"], facts["registered"] = _library(), 0
    forged = 0
    if keyring is not None and settings.ledger_path.exists():
        facts["registered"], forged = _count(settings, keyring)
    warnings = []
    if forged:
        warnings.append(
            f"{forged} among the passkeys was written by something else and does not count. Find out by what."
        )
    if settings.approval is not ApprovalFloor.PASSKEY:
        return warnings
    if facts["library"] is None:
        warnings.append("Nothing can be approved: passkeys need a library. Run: pip install 'ringback[passkey]'")
    elif not facts["registered"]:
        warnings.append("Nothing can be approved until a passkey is registered, on the page: ringback console")
    return warnings


def _count(settings: Settings, keyring: Keyring) -> tuple[int, int]:
    from ringback.clock import SystemClock
    from ringback.ledger import open_ledger

    ledger = open_ledger(settings.ledger_path, keyring, SystemClock())
    with closing(ledger.database):
        return len(asyncio.run(ledger.passkeys.present())), asyncio.run(ledger.passkeys.forged())


def _library() -> str | None:
    try:
        return version("webauthn")
    except PackageNotFoundError:
        return None
