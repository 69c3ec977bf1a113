"""The passphrase that opens the console: set by a person in a terminal, kept as an scrypt hash, never shown again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError, InvalidRequest, RingbackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAST_CHARACTERS: Final = 8
MOST_CHARACTERS: Final = 1024
_COST: Final = {"n": 2**16, "r": 8, "p": 2}
"""scrypt's cost: 64 MiB and about a third of a second for each guess."""
_MEMORY_LIMIT: Final = 128 * 1024 * 1024
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_FREE_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 900.0
_DAMAGED = "The passphrase file cannot be used."
_REFUSED = 3
_CONFIGURATION = 7


def passphrase_path(home: Path) -> Path:
    """Where the hash lies."""
    return home / "console" / "passphrase"


def passphrase_mark(home: Path) -> str | None:
    """A value that changes when the passphrase does; `None` where none is set.

    Raises:
        ConfigurationError: the file is there, and not as `set_passphrase` writes it.
    """
    stored = _read(home)
    return None if stored is None else hashlib.sha256(stored["salt"] + stored["hash"]).hexdigest()


def set_passphrase(home: Path, text: str) -> None:
    """Set the passphrase. Everybody who was signed in is signed out by it.

    Raises:
        InvalidRequest: it is too short or too long.
        ConfigurationError: the file cannot be written.
    """
    if not LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS:
        raise InvalidRequest(
            f"A passphrase has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters.", hint="A few words are good."
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    stored = {"kdf": "scrypt", **_COST, "salt": _text(salt), "hash": _text(_hash(text, salt, _COST))}
    path = passphrase_path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, json.dumps(stored))
    except OSError as error:
        raise ConfigurationError(f"The passphrase cannot be stored: {error.strerror}.", hint=str(path.parent)) from None


def verify_passphrase(home: Path, text: str) -> bool:
    """Whether this is the passphrase. Takes a third of a second of one core; false where none is set.

    Raises:
        ConfigurationError: the file is there, and not as `set_passphrase` writes it.
    """
    stored = _read(home)
    if stored is None or len(text) > MOST_CHARACTERS:
        return False
    return hmac.compare_digest(_hash(text, stored["salt"], stored), stored["hash"])


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable for its owner alone."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class Tries:
    """Slows guessing down: after five wrong tries each further one costs a growing pause, for everybody.

    Kept in memory: who can restart the console as its user can read its files as well.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wrong = 0
        self._closed_until = 0.0

    @property
    def pause_s(self) -> float:
        """How long no try is taken; 0 where one is."""
        return max(0.0, self._closed_until - self._now())

    def begin(self) -> None:
        """Count a try as wrong before it is looked at, so that many at once count as many."""
        self._wrong += 1
        if self._wrong >= _FREE_TRIES:
            pause = min(_FIRST_PAUSE_S * 2.0 ** min(self._wrong - _FREE_TRIES, 10), _LONGEST_PAUSE_S)
            self._closed_until = self._now() + pause

    def succeed(self) -> None:
        """The try was right: forget the wrong ones."""
        self._wrong, self._closed_until = 0, 0.0


def main(arguments: list[str] | None = None) -> int:
    """Ask for a passphrase in a terminal and set it; the exit code.

    Refuses without a terminal, so that no piped text becomes a passphrase. Where one is set, it is asked for first.
    """
    from ringback.settings import load_settings

    if arguments:
        return _tell("It takes no arguments: a passphrase in the process list is none.", 2)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _tell("A passphrase is set by a person in a terminal, and this is none.", _REFUSED)
    try:
        return _ask(load_settings().home)
    except (EOFError, KeyboardInterrupt):
        return _tell("Nothing was changed.", 130)
    except InvalidRequest as error:
        return _tell(str(error), 2)
    except RingbackError as error:
        return _tell(str(error), _CONFIGURATION)


def _ask(home: Path) -> int:
    from getpass import getpass

    if passphrase_mark(home) is not None and not verify_passphrase(home, getpass("The present passphrase: ")):
        return _tell(f"That is not it. If it is forgotten, remove {passphrase_path(home)} and begin again.", _REFUSED)
    first = getpass(f"New passphrase for the console (at least {LEAST_CHARACTERS} characters): ")
    if getpass("Once more: ") != first:
        return _tell("The two differ; nothing was changed.", 2)
    set_passphrase(home, first)
    return _tell("It is set. The console asks for it from now on.", 0)


def _tell(text: str, code: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - what this command says, to a person
    return code


def _read(home: Path) -> dict[str, Any] | None:
    path = passphrase_path(home)
    try:
        with path.open("rb") as file:
            shared = os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077
            stored = json.loads(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise ConfigurationError(_DAMAGED, hint=f"Remove {path} and run: ringback passphrase") from None
    if shared:
        raise ConfigurationError("The passphrase file can be read by other users.", hint=f"Run: chmod 600 {path}")
    try:
        cost = {name: int(stored[name]) for name in _COST}
        decoded = {name: base64.b64decode(stored[name], validate=True) for name in ("salt", "hash")}
        sound = stored["kdf"] == "scrypt" and cost["n"] >= _COST["n"] and len(decoded["hash"]) == _HASH_BYTES
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise ConfigurationError(_DAMAGED, hint=f"Remove {path} and run: ringback passphrase")
    return {**cost, **decoded}


def _hash(text: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    # Keyboards differ in how they compose a letter; NFKC makes them one.
    typed = unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        typed, salt=salt, n=cost["n"], r=cost["r"], p=cost["p"], maxmem=_MEMORY_LIMIT, dklen=_HASH_BYTES
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
