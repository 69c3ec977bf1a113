"""What a passkey signs, and everything else that somebody could post in its place: refused, and nothing is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.console.authenticator import Authenticator
from tests.e2e.console.conftest import TO, hidden
from tests.e2e.console.table import HERE, LABEL, LIES, browser_says, says, table

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level
from ringback.settings import ApprovalFloor
from ringback_server.console import passphrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is not what is tested here."""
    monkeypatch.setitem(passphrase._COST, "n", 2**4)


async def test_what_a_passkey_signed_is_sent_at_level_a3(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        answer = await at.post("/answer", **await at.signed(receipt.id))
        assert answer.headers["location"] == f"/outbounds/{receipt.id}"
        assert (await at.status(receipt.id), at.sent) == (("accepted", "A3"), ["Surely?"])
        assert "with a passkey (A3)" in await at.get(f"/outbounds/{receipt.id}")


OF_SIGNING = [
    ("another ceremony", browser_says(type="webauthn.create")),
    ("another key", lambda device: setattr(device, "key", Authenticator(HERE).key)),
    ("another credential", says(credential_id=b"another")),
    ("the counter as it was", says(counter=8)),
    ("a counter that went back", says(counter=5)),
    ("a counter that begins anew", says(counter=0, counts=False)),
]


@pytest.mark.parametrize("lie", [pytest.param(lie, id=name) for name, lie in [*LIES, *OF_SIGNING]])
async def test_a_signature_that_is_not_what_was_asked_for_is_refused(
    tmp_path: Path, lie: Callable[[Authenticator], None]
) -> None:
    async with table(tmp_path, added=False) as at:
        at.device.counter = 9
        await at.add()
        receipt = await at.want()
        honest = replace(at.device)
        lie(at.device)
        answer = await at.post("/answer", **await at.signed(receipt.id))
        assert answer.status_code == 409
        assert "does not fit" in answer.text or "not registered" in answer.text
        assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])
        at.device = honest  # the same request without the lie
        assert (await at.post("/answer", **await at.signed(receipt.id))).status_code == 303
        assert at.sent == ["Surely?"]


def with_part(part: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """One part of the credential replaced: `response.x`, or a part of its own."""

    def change(credential: dict[str, Any]) -> dict[str, Any]:
        outer, _, inner = part.partition(".")
        return {**credential, outer: {**credential[outer], inner: value} if inner else value}

    return change


SCRAPS: list[Callable[[dict[str, Any]], Any]] = [
    lambda _: "",
    lambda _: "{",
    lambda _: "null",
    lambda _: "[]",
    lambda _: "[" * 5000,
    lambda _: {},
    lambda _: {"response": {}},
    *(with_part(part, value) for part in ("id", "rawId", "type", "response") for value in (None, "", 7, "é", [])),
    *(
        with_part(f"response.{part}", value)
        for part in ("clientDataJSON", "authenticatorData", "signature")
        for value in (None, "", "A", "é", "AAAA" * 200, {})
    ),
    with_part("response.clientDataJSON", "e30"),  # {}
    with_part("response.clientDataJSON", "W10"),  # []
    with_part("response.clientDataJSON", "bnVsbA"),  # null
    with_part("response.userHandle", "A"),
    with_part("authenticatorAttachment", "elsewhere"),
]


async def test_what_is_no_signature_at_all_is_refused(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        for scrap in SCRAPS:
            fields = await at.signed(receipt.id)
            made = scrap(json.loads(fields["credential"]))
            posted = made if isinstance(made, str) else json.dumps(made)
            answer = await at.post("/answer", **{**fields, "credential": posted})
            assert answer.status_code == 409, posted[:200]
            assert "Traceback" not in answer.text
        assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])


async def test_a_signed_answer_is_none_for_another_outbound(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        one, two = await at.want("one"), await at.want("two")
        for_one, for_two = await at.signed(one.id), await at.shown(two.id)
        mixed = {**for_one, **for_two}
        assert (await at.post("/answer", **mixed)).status_code == 409
        nonce = (await at.post("/answer/challenge", **for_two, choice="once")).json()["nonce"]
        assert (await at.post("/answer", **{**mixed, "nonce": nonce})).status_code == 409
        assert at.sent == []
        assert (await at.post("/answer", **await at.signed(two.id))).status_code == 303
        assert at.sent == ["two"]


async def test_a_signed_answer_is_none_to_another_choice(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        fields = await at.signed(receipt.id, "once")
        assert (await at.post("/answer", **{**fields, "choice": "day"})).status_code == 409
        assert at.sent == []
        assert await at.at.opened.person.allowances() == []


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "without a counter"])
async def test_a_signed_answer_that_is_posted_again_sends_nothing_more(tmp_path: Path, counts: bool) -> None:
    async with table(tmp_path, added=False) as at:
        at.device.counts = counts
        await at.add()
        receipt, other = await at.want("one"), await at.want("other")
        fields = await at.signed(receipt.id)
        for _ in range(5):
            await at.post("/answer", **fields)
        await at.at.opened.telephone.tend()
        assert at.sent == ["one"]
        assert await at.status(other.id) == ("awaiting_approval", None)


async def test_a_copy_of_the_passkey_that_lags_behind_is_refused(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        one, two = await at.want("one"), await at.want("two")
        copy = replace(at.device)
        await at.post("/answer", **await at.signed(one.id))
        at.device = copy
        assert (await at.post("/answer", **await at.signed(two.id))).status_code == 409
        assert at.sent == ["one"]


async def test_a_nonce_counts_for_one_question_even_if_the_passkey_does_not_count(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        at.device.counts = False
        await at.add()
        receipt = await at.want()
        stale = await at.signed(receipt.id)
        fresh = await at.signed(receipt.id)
        answer = await at.post("/answer", **stale)
        assert answer.status_code == 303
        assert "asked anew" in await at.get(answer.headers["location"])
        assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])
        await at.post("/answer", **fresh)
        assert at.sent == ["Surely?"]


async def test_a_challenge_is_given_for_what_was_shown_alone(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        fields = {**await at.shown(receipt.id), "choice": "once"}
        assert (await at.post("/answer/challenge", **{**fields, "shown": "0" * 64})).status_code == 409
        assert (await at.post("/answer/challenge", **{**fields, "choice": "yes"})).status_code == 400
        assert (await at.post("/answer/challenge", **{**fields, "id": "ob_" + "a" * 24})).status_code == 404
        await at.at.opened.telephone.cancel(receipt.id)
        assert (await at.post("/answer/challenge", **fields)).status_code == 404


async def test_a_declined_outbound_needs_no_passkey(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        assert (await at.post("/answer", **await at.shown(receipt.id), choice="no")).status_code == 303
        assert await at.status(receipt.id) == ("declined", None)


@pytest.mark.parametrize("choice", ["once", "day"])
async def test_where_a_passkey_is_needed_no_other_yes_counts(tmp_path: Path, choice: str) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        answer = await at.post("/answer", **await at.shown(receipt.id), choice=choice)
        assert answer.status_code == 409
        assert "level A3" in answer.text
        for level, via in ((Level.A0, "page"), (Level.A1, "client:x"), (Level.A2, "terminal"), (Level.A3, "page")):
            with pytest.raises(Refused):
                await at.at.opened.person.answer(receipt.id, Answer(Choice(choice), level, via, digits=TO[-4:]))
        await at.at.opened.telephone.tend()
        assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])
        assert await at.at.opened.person.allowances() == []


async def test_where_less_is_needed_a_passkey_may_still_sign(tmp_path: Path) -> None:
    async with table(tmp_path, floor=ApprovalFloor.CLIENT) as at:
        one, two = await at.want("one"), await at.want("two")
        await at.post("/answer", **await at.signed(one.id))
        await at.post("/answer", **await at.shown(two.id), choice="once")
        assert [await at.status(receipt.id) for receipt in (one, two)] == [("accepted", "A3"), ("accepted", "A2")]


async def test_at_the_consoles_address_no_passkey_is_taken_and_the_name_is_told(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        fields = await at.signed(receipt.id)
        at.at.cookie = ""
        await at.at.sign_in()
        page = (await at.at.get(f"/outbounds/{receipt.id}")).text
        assert f'href="{HERE}/outbounds/{receipt.id}"' in page
        assert "data-passkey=" not in page
        here = {**fields, "csrf": hidden(page, "csrf")}
        for path in ("/answer", "/answer/challenge", "/passkeys/create", "/passkeys/challenge", "/passkeys"):
            label = {} if path.startswith("/answer") else {"label": LABEL, "use": "add"}
            answer = await at.at.post(path, **here, **label)
            assert answer.status_code == 409, path
            assert HERE in answer.text, path
        assert at.sent == []
