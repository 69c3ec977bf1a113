"""A new key for an installation: everything stored is put under it, and the old one opens nothing any more.

The new key lies beside the old one, in a file of its own name, before the ledger is changed; the ledger's transaction
decides which of the two counts; then the new one takes the old one's place. A process that dies in between leaves two
files, of which `load_keyring` takes the one that fits.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ringback.clock import SystemClock
from ringback.errors import ConfigurationError
from ringback.keys import KEY_BYTES, Keyring, create_key, decode_key, load_keyring, next_key_path, put_in_place
from ringback.ledger import open_ledger
from ringback.ledger.rekeying import Rekeying, Rotated

if TYPE_CHECKING:
    from ringback.settings import Settings

__all__ = ["Rotated", "rotate"]


def rotate(settings: Settings, new_key: str | None = None) -> Rotated:
    """Put the ledger under a new key, and the key file with it.

    Args:
        settings: the installation.
        new_key: 32 bytes in base64 or hexadecimal; by default random ones. Needed where `RINGBACK_KEY` holds the key,
            which is then to be changed by whoever sets it.

    Raises:
        ConfigurationError: a key cannot be read, or none was given where one is needed.
        LedgerError: the ledger cannot be read or written; then nothing is changed.
    """
    text = settings.key.get_secret_value() if settings.key else None
    if text is not None and new_key is None:
        raise ConfigurationError(
            "The key comes from RINGBACK_KEY, which only you can change.",
            hint="Give the new key, 32 random bytes in base64, and set RINGBACK_KEY to it afterwards.",
        )
    clock = SystemClock()
    old = load_keyring(text, settings.key_path, settings.ledger_path)
    ledger = open_ledger(settings.ledger_path, old, clock)
    try:
        given = secrets.token_bytes(KEY_BYTES) if new_key is None else decode_key(new_key, "The new key")
        new = Keyring(given)
        if text is not None:
            return Rekeying(ledger.database, old, new, clock).run()
        following = next_key_path(settings.key_path, new)
        rotated = Rekeying(ledger.database, old, new, clock).run(lambda: create_key(following, given))
        put_in_place(following, settings.key_path)
        return rotated
    finally:
        ledger.database.close()
