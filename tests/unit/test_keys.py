"""The installation's key: what it seals, what it refuses to open, and the file it lives in."""

from __future__ import annotations

import base64
import pickle
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import ConfigurationError, LedgerError
from ringback.keys import Keyring, load_keyring
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound

if TYPE_CHECKING:
    from pathlib import Path

KEYS = Keyring(bytes(range(32)))
PLAIN = {"to": "+14155550123", "text": "See you at 3 😀", "media_url": None}
OUTBOUND = Outbound(Channel.SMS, PhoneNumber("+14155550123"), "sandbox", "Hello")


def test_what_was_sealed_opens_for_its_row_and_column_and_reads_the_same() -> None:
    assert KEYS.open(KEYS.seal(PLAIN, row="ob_1", column="sealed"), row="ob_1", column="sealed") == PLAIN


@pytest.mark.parametrize(
    ("row", "column"), [("ob_2", "sealed"), ("ob_1", "outcome"), ("", "sealedob_1"), ("b_1", "sealedo")]
)
def test_sealed_bytes_do_not_open_in_another_row_or_column(row: str, column: str) -> None:
    sealed = KEYS.seal(PLAIN, row="ob_1", column="sealed")
    with pytest.raises(LedgerError, match="cannot be opened"):
        KEYS.open(sealed, row=row, column=column)


def test_another_key_opens_nothing() -> None:
    sealed = KEYS.seal(PLAIN, row="ob_1", column="sealed")
    with pytest.raises(LedgerError, match="cannot be opened"):
        Keyring(bytes(32)).open(sealed, row="ob_1", column="sealed")


def test_each_changed_missing_or_added_byte_is_noticed() -> None:
    sealed = KEYS.seal(PLAIN, row="ob_1", column="sealed")
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    shortened = [sealed[:length] for length in range(len(sealed))]
    for forged in (*changed, *shortened, sealed + b"\0"):
        with pytest.raises(LedgerError, match="cannot be opened"):
            KEYS.open(forged, row="ob_1", column="sealed")


def test_the_same_text_is_never_sealed_to_the_same_bytes() -> None:
    assert len({KEYS.seal(PLAIN, row="ob_1", column="sealed") for _ in range(50)}) == 50


def test_a_sealed_text_shows_nothing_of_itself() -> None:
    sealed = KEYS.seal(PLAIN, row="ob_1", column="sealed")
    assert not any(part in sealed for part in (b"4155550123", b"See you", b"media_url"))


def test_keys_are_neither_printed_nor_pickled() -> None:
    assert repr(KEYS) == "Keyring(…)"
    assert not any(hasattr(KEYS, name) for name in ("master", "_master"))
    with pytest.raises(TypeError):
        pickle.dumps(KEYS)


@pytest.mark.parametrize(
    "other",
    [
        Outbound(Channel.VOICE, PhoneNumber("+14155550123"), "sandbox", "Hello"),
        Outbound(Channel.SMS, PhoneNumber("+14155550124"), "sandbox", "Hello"),
        Outbound(Channel.SMS, PhoneNumber("+14155550123"), "thinkfleetbot", "Hello"),
        Outbound(Channel.SMS, PhoneNumber("+14155550123"), "sandbox", "Hello "),
        Outbound(Channel.SMS, PhoneNumber("+14155550123"), "sandbox", "He\u200bllo"),
        Outbound(Channel.MMS, PhoneNumber("+14155550123"), "sandbox", "Hello", "https://example.com/a.png"),
    ],
)
def test_an_approvals_digest_changes_with_all_that_goes_out(other: Outbound) -> None:
    assert KEYS.digest(OUTBOUND, row="ob_1", expires_at=1.0) != KEYS.digest(other, row="ob_1", expires_at=1.0)


def test_an_approvals_digest_belongs_to_one_row_and_one_key() -> None:
    assert KEYS.digest(OUTBOUND, row="ob_1", expires_at=1.0) == KEYS.digest(OUTBOUND, row="ob_1", expires_at=1.0)
    assert KEYS.digest(OUTBOUND, row="ob_1", expires_at=1.0) != KEYS.digest(OUTBOUND, row="ob_2", expires_at=1.0)
    assert KEYS.digest(OUTBOUND, row="ob_1", expires_at=1.0) != Keyring(bytes(32)).digest(
        OUTBOUND, row="ob_1", expires_at=1.0
    )


def test_the_medium_is_part_of_what_an_approval_belongs_to() -> None:
    urls = ("https://example.com/a.png", "https://example.com/b.png")
    outbounds = [Outbound(Channel.MMS, PhoneNumber("+14155550123"), "sandbox", "Hello", url) for url in urls]
    assert len({KEYS.digest(outbound, row="ob_1", expires_at=1.0) for outbound in outbounds}) == 2
    assert len({KEYS.wish(outbound) for outbound in outbounds}) == 2


def test_a_wish_on_the_sandbox_is_another_one_than_on_a_carrier_that_reaches_real_phones() -> None:
    carriers = ("sandbox", "thinkfleetbot")
    outbounds = [Outbound(Channel.SMS, PhoneNumber("+14155550123"), carrier, "Hello") for carrier in carriers]
    assert len({KEYS.wish(outbound) for outbound in outbounds}) == 2


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_two_tokens_are_the_same_only_for_the_same_kind_and_value(
    kind: str, value: str, kind2: str, value2: str
) -> None:
    same = (kind, value) == (kind2, value2)
    assert (KEYS.token(kind, value) == KEYS.token(kind2, value2)) == same


def test_a_key_comes_in_base64_with_either_alphabet_or_in_hexadecimal(tmp_path: Path) -> None:
    raw = bytes([251, 239, *range(30)])
    spellings = [
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        base64.b64encode(raw).rstrip(b"="),
        raw.hex().encode(),
    ]
    assert b"+" in spellings[0]
    assert b"-" in spellings[1]
    prints = {load_keyring(f" {text.decode()}\n", tmp_path / "key").fingerprint for text in spellings}
    assert prints == {Keyring(raw).fingerprint}
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("text", ["", "secret", "é" * 44, "AAAA", "A" * 42 + "*=", "00" * 31, "A" * 100])
def test_an_unusable_key_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_keyring(text, tmp_path / "key")
    assert not text or text not in str(caught.value)


def test_the_key_file_is_made_once_for_its_owner_alone_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "home" / "key"
    first = load_keyring(None, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]
    assert load_keyring(None, path).fingerprint == first.fingerprint
    assert load_keyring(None, tmp_path / "other" / "key").fingerprint != first.fingerprint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_key_file_that_others_can_reach_is_refused_with_the_way_to_mend_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    load_keyring(None, path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_keyring(None, path)
    path.chmod(0o600)
    load_keyring(None, path)


@pytest.mark.parametrize("content", [b"", b"\n", b"half a key", b"\xff" * 44, bytes(32), b"A" * 40])
def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError):
        load_keyring(None, path)
    assert path.read_bytes() == content


def test_a_key_file_that_cannot_be_read_or_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder" / "key").mkdir(parents=True)
    for path in (tmp_path / "file" / "key", tmp_path / "folder" / "key"):
        with pytest.raises(ConfigurationError, match="key file"):
            load_keyring(None, path)


MAKE_KEY = """
import sys
from pathlib import Path
from ringback.keys import Keyring, load_keyring
Keyring(bytes(32))
print("ready", flush=True)
sys.stdin.readline()
print(load_keyring(None, Path(sys.argv[1])).fingerprint)
"""


def test_processes_that_make_the_key_at_once_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    command = [sys.executable, "-c", MAKE_KEY, str(path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=20)[0] for process in processes]
    assert len(set(told)) == 1
    assert told[0].strip() == load_keyring(None, path).fingerprint
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]
