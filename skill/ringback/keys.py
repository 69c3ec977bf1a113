"""The installation's keys: sealing what is kept, finding it again, binding consent to it.

One master key of 32 bytes; from it a key for each use is derived by HKDF-SHA256 (RFC 5869).
A plain hash of a telephone number hides nothing (all of them can be tried in an hour), hence HMAC.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ringback.errors import ConfigurationError, UnreadableEntry

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.model.numbers import PhoneNumber
    from ringback.model.outbound import Outbound

KEY_BYTES = 32
_NONCE_BYTES = 12
_CONTACT = "ct_"
_CONTACT_BYTES = 10


class Keyring:
    """Derived keys of one installation. Never printed, never pickled."""

    def __init__(self, master: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(master) != KEY_BYTES:
            raise ConfigurationError(
                f"The key has {len(master)} bytes; {KEY_BYTES} are needed.",
                hint="Set RINGBACK_KEY to 32 random bytes in base64, or unset it to use the key file.",
            )
        self._aead = AESGCM(_derive(master, b"seal"))
        self._index = _derive(master, b"index")
        self._digest = _derive(master, b"digest")
        self._passkey = _derive(master, b"passkey")
        self.request_state = _derive(master, b"request-state")
        """Seals what an MCP client carries between two rounds of one call."""
        self._callback = _derive(master, b"callback")

    def __repr__(self) -> str:
        return "Keyring(…)"

    def __reduce__(self) -> str:
        raise TypeError("a Keyring is not pickled")

    @property
    def fingerprint(self) -> str:
        """A value that tells two installations' keys apart and gives neither away."""
        return _mac(self._index, b"fingerprint").hex()[:32]

    def seal(self, plain: dict[str, Any], *, row: str, column: str) -> bytes:
        """Encrypt by AES-256-GCM, bound to the row and column that it is stored in."""
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        return nonce + self._aead.encrypt(nonce, text, f"{column}:{row}".encode())

    def open(self, sealed: bytes, *, row: str, column: str) -> dict[str, Any]:
        """Decrypt what `seal` made for the same row and column.

        Raises:
            UnreadableEntry: the key is another one, or the bytes were changed or moved.
        """
        from cryptography.exceptions import InvalidTag

        try:
            text = self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], f"{column}:{row}".encode())
        except (InvalidTag, ValueError):  # a ValueError where not even the nonce is whole
            raise UnreadableEntry(
                "A stored entry cannot be opened: the key is another one, or the entry was altered.",
                hint="Restore the key that this ledger was made with.",
            ) from None
        value: dict[str, Any] = json.loads(text)
        return value

    def contact(self, number: PhoneNumber) -> str:
        """The stable opaque reference of a number: its blind index, safe to show and to store."""
        mac = _mac(self._index, b"contact", number.e164.encode())
        return _CONTACT + base64.b32encode(mac[:_CONTACT_BYTES]).decode().lower().rstrip("=")

    def stranger(self, sender: str) -> str:
        """The reference of a sender that is no telephone number: a short code, a name."""
        mac = _mac(self._index, b"stranger", sender.encode())
        return _CONTACT + base64.b32encode(mac[:_CONTACT_BYTES]).decode().lower().rstrip("=")

    def digest(self, outbound: Outbound, *, row: str, expires_at: float) -> bytes:
        """The digest that an approval belongs to: all that will go out, the row it is stored in, and until when."""
        parts = (row, expires_at.hex(), *_content(outbound))
        return _mac(self._digest, b"outbound", *(part.encode() for part in parts))

    def consent(self, digest: bytes, *, choice: str, level: str, via: str) -> bytes:
        """What is stored of an answer: the digest with what was answered and how, so that a no cannot become a yes."""
        return _mac(self._digest, b"consent", digest, choice.encode(), level.encode(), via.encode())

    def allowance(self, *parts: bytes) -> bytes:
        """The proof that an allowance was stored by us as it stands."""
        return _mac(self._digest, b"allowance", *parts)

    def passkey(self, use: str, *parts: bytes) -> bytes:
        """A keyed digest about passkeys: a challenge to sign, the proof of a stored one, the user's handle."""
        return _mac(self._passkey, use.encode(), *parts)

    def wish(self, outbound: Outbound) -> bytes:
        """The digest that tells the same wish again: recipient, channel, content, carrier, time, whatever the row."""
        return _mac(self._digest, b"wish", *(part.encode() for part in _content(outbound)))

    def callback_secret(self, carrier: str) -> bytes:
        """The secret that a carrier signs its callbacks with, where it takes one of ours."""
        return _mac(self._callback, carrier.encode())

    def token(self, kind: str, value: str) -> bytes:
        """A keyed digest of a value that is looked up but not kept: an idempotency key, a carrier's id, a nonce."""
        return _mac(self._index, kind.encode(), value.encode())


def _content(outbound: Outbound) -> tuple[str, ...]:
    """All that will go out, and when."""
    content = (outbound.channel, outbound.to.e164, outbound.carrier, outbound.text, outbound.media_url or "")
    due = () if outbound.send_at is None else (outbound.send_at.hex(),)
    kinds = (("by hand", outbound.by_hand), ("urgent", outbound.urgent), ("notice", outbound.notice))
    marks = [word for word, holds in kinds if holds]
    return (*content, *due, *marks)


def _derive(master: bytes, use: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"ringback/1/" + use).derive(master)


def _mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over length-prefixed parts, so that no two lists of parts collide."""
    return hmac.digest(key, b"".join(len(part).to_bytes(8, "big") + part for part in parts), "sha256")


def load_keyring(text: str | None, path: Path, ledger: Path | None = None) -> Keyring:
    """The keyring from a base64 or hexadecimal setting, else from the key file, made on first use with mode 0600.

    Where a rotation was cut off after it had changed the ledger, the new key takes the old one's place now.

    Raises:
        ConfigurationError: the key cannot be decoded, or the file can be read by other users or not by us.
    """
    if text is not None:
        return Keyring(decode_key(text, "RINGBACK_KEY"))
    try:
        if ledger is not None:
            _finish_rotation(path, ledger)
        if not path.exists():
            create_key(path)
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"The key file cannot be used: {error.strerror}.", hint=f"Check the permissions of {path}"
        ) from None


def next_key_path(path: Path, new: Keyring) -> Path:
    """Where a new key lies until it takes the old one's place; no two keys have the same."""
    return path.with_name(f"{path.name}.next-{new.fingerprint}")


def put_in_place(following: Path, path: Path) -> None:
    """Let the new key file take the old one's place; another process may have done it already."""
    with suppress(FileNotFoundError):
        following.replace(path)
    _sync_folder(path)


def _finish_rotation(path: Path, ledger: Path) -> None:
    """Take a new key if the ledger stands under it already; else leave all as it is."""
    import sqlite3

    waiting = sorted(path.parent.glob(f"{path.name}.next-*"))
    if not waiting or not ledger.exists():
        return
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
        finally:
            connection.close()
        for following in waiting:
            if row is not None and following.name.endswith(str(row[0])):
                put_in_place(following, path)


def _read(path: Path) -> Keyring:
    with path.open("rb") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise ConfigurationError("The key file can be read by other users.", hint=f"Run: chmod 600 {path}")
        return Keyring(decode_key(file.read().decode("ascii", "replace"), "the key file"))


def create_key(path: Path, key: bytes | None = None) -> None:
    """Make the file whole under another name first, so that a second process never reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(key or secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path)


def _sync_folder(path: Path) -> None:
    """Bring the file's name to the disk, not its content alone: a ledger without its key is lost."""
    if os.name != "posix":
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def decode_key(text: str, name: str) -> bytes:
    """The bytes of a key in base64 or hexadecimal.

    Raises:
        ConfigurationError: it is neither; `name` says which key is meant, its value is not repeated.
    """
    bare = text.strip()
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64}", bare):
            return bytes.fromhex(bare)
        return base64.b64decode(
            bare + "=" * (-len(bare) % 4), altchars=b"-_" if set(bare) & set("-_") else None, validate=True
        )
    except ValueError:
        raise ConfigurationError(
            f"{name} is neither base64 nor hexadecimal.", hint="Give 32 random bytes in base64."
        ) from None
