"""A passkey signs a whole list, as it was shown, for the session that asked; everything else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.authenticator import Authenticator
from tests.e2e.console.conftest import hidden
from tests.e2e.console.many import RULES, WORDS, ask_many
from tests.e2e.console.table import HERE, table

from ringback_server.console import passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.console.table import Table


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase._COST, "n", 2**4)  # what a guess costs is not what is tested here
    for name, value in RULES.items():
        monkeypatch.setenv(name, value)


async def form(at: Table, ids: list[str]) -> dict[str, str]:
    page = await at.get(f"/lists/{ids[0]}")
    return {"choice": "all", **{name: hidden(page, name) for name in ("csrf", "ids", "shown")}}


async def signed(at: Table, ids: list[str]) -> dict[str, str]:
    """The form of a yes to a list that the device signed."""
    fields = await form(at, ids)
    asked = await at.post(f"/lists/{ids[0]}/challenge", **fields)
    assert asked.status_code == 200, asked.text
    return {**fields, "nonce": asked.json()["nonce"], "credential": at.device.sign(asked.json()["options"])}


async def test_a_list_that_a_passkey_signed_is_sent_at_level_a3(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 4)
        page = await at.get(f"/lists/{ids[0]}")
        assert 'data-passkey="list">Approve all 4 with a passkey' in page
        assert (await at.post(f"/lists/{ids[0]}", **await signed(at, ids))).status_code == 303
        assert at.sent == [WORDS] * 4
        assert {(await at.status(one))[1] for one in ids} == {"A3"}


async def test_without_a_signature_nothing_of_a_list_is_sent(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 4)
        assert (await at.post(f"/lists/{ids[0]}", **await form(at, ids))).status_code == 409
        assert at.sent == []
        assert {(await at.status(one))[0] for one in ids} == {"awaiting_approval"}


async def test_a_signature_of_a_list_does_not_count_for_one_that_grew_since(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 4)
        fields = await signed(at, ids)
        late = await ask_many(at.at.opened, 1, first=500)
        assert (await at.post(f"/lists/{ids[0]}", **fields)).status_code == 409
        larger = await form(at, [*ids, *late])
        mixed = {**larger, "nonce": fields["nonce"], "credential": fields["credential"]}
        assert (await at.post(f"/lists/{ids[0]}", **mixed)).status_code == 409
        assert at.sent == []


async def test_a_signature_counts_once_and_for_nothing_else(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids, others = await ask_many(at.at.opened, 3), await ask_many(at.at.opened, 3, "Other words.", first=0)
        fields = await signed(at, ids)
        other = {**await form(at, others), "nonce": fields["nonce"], "credential": fields["credential"]}
        assert (await at.post(f"/lists/{others[0]}", **other)).status_code == 409
        # The nonce is spent by the attempt, so the list itself is to be signed anew.
        assert (await at.post(f"/lists/{ids[0]}", **fields)).status_code == 409
        assert at.sent == []
        assert (await at.post(f"/lists/{ids[0]}", **await signed(at, ids))).status_code == 303
        assert at.sent == [WORDS] * 3


async def test_another_session_cannot_use_what_this_one_was_asked(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 3)
        fields = await signed(at, ids)
        at.at.cookie = ""
        await at.sign_in()
        stolen = {**fields, "csrf": (await form(at, ids))["csrf"]}
        assert (await at.post(f"/lists/{ids[0]}", **stolen)).status_code == 409
        assert at.sent == []


async def test_a_device_that_is_not_registered_signs_nothing(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 3)
        fields = await form(at, ids)
        asked = (await at.post(f"/lists/{ids[0]}/challenge", **fields)).json()
        stranger = Authenticator(HERE)
        stranger.make((await at.ask("/passkeys/create", label="x", passphrase="seven blue kettles"))["options"])
        credential = stranger.sign({**asked["options"], "allowCredentials": []})
        answer = await at.post(f"/lists/{ids[0]}", **fields, nonce=asked["nonce"], credential=credential)
        assert answer.status_code == 409
        assert at.sent == []


@pytest.mark.parametrize("change", [{"choice": "none"}, {"shown": "0" * 64}])
async def test_no_challenge_is_given_for_a_no_or_for_what_was_not_shown(tmp_path: Path, change: dict[str, str]) -> None:
    async with table(tmp_path) as at:
        ids = await ask_many(at.at.opened, 3)
        fields = {**await form(at, ids), **change}
        assert (await at.post(f"/lists/{ids[0]}/challenge", **fields)).status_code == 409
