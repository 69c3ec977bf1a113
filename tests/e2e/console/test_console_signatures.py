"""What a passkey signs, and everything else that somebody could post in its place: refused, and nothing is sent."""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.console.authenticator import PRESENT, VERIFIED, Authenticator
from tests.e2e.console.conftest import PASSPHRASE, TO, hidden
from tests.e2e.console.desk import PORT, desk

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level
from ringback.settings import ApprovalFloor
from ringback_server.console import passphrase
from ringback_server.console.passphrase import passphrase_path, set_passphrase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx2
    from tests.e2e.console.desk import Desk

    from ringback.receipts import Receipt

HERE = f"http://localhost:{PORT}"
LABEL = "Anna's phone"


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is not what is tested here."""
    monkeypatch.setitem(passphrase._COST, "n", 2**4)


@dataclass
class Table:
    """A desk at the name to which passkeys belong, and a device beside it."""

    at: Desk
    device: Authenticator

    async def get(self, path: str = "/") -> str:
        return (await self.at._ask("GET", path, {"Host": HERE.removeprefix("http://")})).text

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        return await self.at._ask("POST", path, {"Host": HERE.removeprefix("http://"), "Origin": HERE}, fields)

    async def sign_in(self) -> None:
        form = await self.get("/sign-in")
        answer = await self.post("/sign-in", csrf=hidden(form, "csrf"), passphrase=PASSPHRASE)
        assert answer.status_code == 303

    async def csrf(self) -> str:
        return hidden(await self.get("/passkeys"), "csrf")

    async def ask(self, path: str, **fields: str) -> dict[str, Any]:
        answer = await self.post(path, csrf=await self.csrf(), **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def add(self, device: Authenticator | None = None) -> None:
        made = await self.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await self.finish(made, device or self.device)).status_code == 303

    async def finish(self, made: dict[str, Any], device: Authenticator, **changes: str) -> httpx2.Response:
        fields = {"nonce": made["nonce"], "label": LABEL, "credential": device.make(made["options"]), **changes}
        return await self.post("/passkeys", csrf=await self.csrf(), **fields)

    async def want(self, text: str = "Surely?") -> Receipt:
        return await self.at.opened.telephone.send_sms(TO, text)

    async def shown(self, outbound_id: str) -> dict[str, str]:
        page = await self.get(f"/outbounds/{outbound_id}")
        return {name: hidden(page, name) for name in ("csrf", "id", "shown")}

    async def signed(self, outbound_id: str, choice: str = "once") -> dict[str, str]:
        """The form of a yes that the device signed."""
        fields = {**await self.shown(outbound_id), "choice": choice}
        asked = await self.post("/answer/challenge", **fields)
        assert asked.status_code == 200, asked.text
        return {**fields, "nonce": asked.json()["nonce"], "credential": self.device.sign(asked.json()["options"])}

    async def remove_by_passphrase(self) -> None:
        """Remove the only passkey."""
        (passkey,) = await self.at.opened.ledger.passkeys.present()
        fields = {"csrf": await self.csrf(), "id": passkey.id, "passphrase": PASSPHRASE}
        assert (await self.post("/passkeys/remove", **fields)).status_code == 303

    async def status(self, outbound_id: str) -> tuple[str, str | None]:
        receipt = await self.at.opened.telephone.status(outbound_id)
        return receipt.status, receipt.approval

    @property
    def sent(self) -> list[str]:
        return [outbound.text for outbound in self.at.carrier.sent]

    def tamper(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.at.opened.settings.ledger_path) as database:
            database.execute(statement, values)
        database.close()


@asynccontextmanager
async def table(
    home: Path, *, floor: ApprovalFloor = ApprovalFloor.PASSKEY, added: bool = True
) -> AsyncIterator[Table]:
    async with desk(home, floor=floor) as at:
        made = Table(at, Authenticator(HERE))
        await made.sign_in()
        if added:
            await made.add()
        yield made


# -- an approval ------------------------------------------------------------------------------------------------------


async def test_what_a_passkey_signed_is_sent_at_level_a3(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        receipt = await at.want()
        answer = await at.post("/answer", **await at.signed(receipt.id))
        assert answer.headers["location"] == f"/outbounds/{receipt.id}"
        assert (await at.status(receipt.id), at.sent) == (("accepted", "A3"), ["Surely?"])
        assert "with a passkey (A3)" in await at.get(f"/outbounds/{receipt.id}")


def says(**changes: Any) -> Callable[[Authenticator], None]:
    def change(device: Authenticator) -> None:
        for name, value in changes.items():
            setattr(device, name, value)

    return change


def browser_says(**client: Any) -> Callable[[Authenticator], None]:
    return says(client=client)


LIES: list[tuple[str, Callable[[Authenticator], None]]] = [
    ("nobody was verified", says(flags=PRESENT)),
    ("nobody was there", says(flags=VERIFIED)),
    ("neither", says(flags=0)),
    ("another name", says(rp_id="127.0.0.1")),
    ("another site's name", says(rp_id="evil.example")),
    ("the console's address", says(origin=f"http://127.0.0.1:{PORT}")),
    ("another port", says(origin="http://localhost:3000")),
    ("no port", says(origin="http://localhost")),
    ("a secure page", says(origin=f"https://localhost:{PORT}")),
    ("a name below ours", says(origin=f"http://evil.localhost:{PORT}")),
    ("our origin as a beginning", says(origin=f"{HERE}.evil.example")),
    ("another site", says(origin="https://evil.example")),
    ("no origin", says(origin="")),
    ("a frame", browser_says(crossOrigin=True)),
    ("another challenge", browser_says(challenge="AAAA")),
    ("an empty challenge", browser_says(challenge="")),
    ("a challenge that is no text", browser_says(challenge=7)),
]
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


# -- rows that somebody wrote -----------------------------------------------------------------------------------------


async def test_a_passkey_that_somebody_wrote_into_the_ledger_signs_nothing(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        theirs = Authenticator(HERE)
        at.tamper(
            "INSERT INTO passkey SELECT 'pk_theirs', ?, ?, 0, sealed, created_at, used_at, NULL, proof FROM passkey",
            theirs.credential_id,
            theirs.public_key,
        )
        await refuses(at, theirs)
        assert "written by something other than Ringback" in await at.get("/passkeys")


@pytest.mark.parametrize("column", ["public_key", "credential_id"])
async def test_a_passkey_that_somebody_exchanged_in_the_ledger_signs_nothing(tmp_path: Path, column: str) -> None:
    async with table(tmp_path) as at:
        theirs = Authenticator(HERE, credential_id=at.device.credential_id)
        at.tamper(f"UPDATE passkey SET {column} = ?", getattr(theirs, column) if column == "public_key" else b"x")
        await refuses(at, theirs if column == "public_key" else at.device)


async def test_a_counter_that_somebody_set_back_in_the_ledger_makes_the_passkey_worthless(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        at.device.counter = 9
        await at.add()
        at.device.counter = 7
        at.tamper("UPDATE passkey SET sign_count = 0")
        await refuses(at, at.device)


async def test_a_removed_passkey_that_somebody_brought_back_signs_nothing(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.remove_by_passphrase()
        at.tamper("UPDATE passkey SET removed_at = NULL")
        await refuses(at, at.device)


async def refuses(at: Table, theirs: Authenticator) -> None:
    """The console takes nothing that this device signs, though it is given a challenge that a good one could sign."""
    mine = Authenticator(HERE)
    await at.add(mine)
    receipt = await at.want("by nobody")
    at.device = theirs
    assert (await at.post("/answer", **await at.signed(receipt.id))).status_code == 409
    assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])
    at.device = mine
    assert (await at.post("/answer", **await at.signed(receipt.id))).status_code == 303


# -- adding and removing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", [pytest.param(lie, id=name) for name, lie in LIES])
async def test_a_new_passkey_that_is_not_what_was_asked_for_is_not_stored(
    tmp_path: Path, lie: Callable[[Authenticator], None]
) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        lie(at.device)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


async def test_a_signature_is_no_new_passkey(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        signed = at.device.sign(made["options"])
        assert (await at.finish(made, at.device, credential=signed)).status_code == 409
        at.device.client = {"type": "webauthn.get"}
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


async def test_a_passkey_is_added_once_by_the_session_that_asked_and_under_the_name_it_gave(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device, label="Another name")).status_code == 409
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        first, at.at.cookie = at.at.cookie, ""
        await at.sign_in()
        assert (await at.finish(made, at.device)).status_code == 409
        at.at.cookie = first
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device)).status_code == 303
        assert (await at.finish(made, Authenticator(HERE))).status_code == 409
        assert len(await at.at.opened.ledger.passkeys.ever()) == 1


async def test_a_ceremony_that_took_too_long_counts_no_more(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        at.at.clock.advance(300)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


@pytest.mark.parametrize("given", [{}, {"passphrase": ""}, {"passphrase": "seven blue cattle"}])
async def test_being_signed_in_is_not_enough_to_add_or_remove_a_passkey(tmp_path: Path, given: dict[str, str]) -> None:
    async with table(tmp_path) as at:
        (passkey,) = await at.at.opened.ledger.passkeys.present()
        csrf = await at.csrf()
        assert (await at.post("/passkeys/create", csrf=csrf, label="Mine", **given)).status_code == 403
        assert (await at.post("/passkeys/remove", csrf=csrf, id=passkey.id, **given)).status_code == 403
        assert await at.at.opened.ledger.passkeys.present() == [passkey]


async def test_guessing_the_passphrase_here_is_slowed_down_as_it_is_at_the_door(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        csrf = await at.csrf()
        for _ in range(5):
            assert (await at.post("/passkeys/create", csrf=csrf, label="x", passphrase="guess")).status_code == 403
        late = await at.post("/passkeys/create", csrf=csrf, label="x", passphrase=PASSPHRASE)
        assert (late.status_code, late.headers["retry-after"]) == (429, "6")


async def test_a_passkey_confirms_that_another_one_is_added_or_removed(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        asked = await at.ask("/passkeys/challenge", use="add")
        confirmed = {"nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}
        made = await at.ask("/passkeys/create", label=LABEL, **confirmed)
        assert (await at.finish(made, Authenticator(HERE))).status_code == 303
        first, second = await at.at.opened.ledger.passkeys.present()
        for passkey, left in ((second, 1), (first, 0)):  # the last one may confirm that it goes itself
            asked = await at.ask("/passkeys/challenge", use="remove", id=passkey.id)
            signed = {"nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}
            answer = await at.post("/passkeys/remove", csrf=await at.csrf(), id=passkey.id, **signed)
            assert answer.status_code == 303
            assert len(await at.at.opened.ledger.passkeys.present()) == left
        page = await at.get("/passkeys")
        assert page.count("removed <time") == 2


async def test_what_was_signed_to_remove_one_passkey_does_nothing_else(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.add(Authenticator(HERE))
        first, second = await at.at.opened.ledger.passkeys.present()

        async def signed(use: str, subject: str = "") -> dict[str, str]:
            asked = await at.ask("/passkeys/challenge", use=use, id=subject)
            return {"csrf": await at.csrf(), "nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}

        assert (await at.post("/passkeys/remove", id=second.id, **await signed("remove", first.id))).status_code == 409
        assert (await at.post("/passkeys/remove", id=second.id, **await signed("add"))).status_code == 409
        assert (await at.post("/passkeys/create", label=LABEL, **await signed("remove", first.id))).status_code == 409
        receipt = await at.want()
        answer = await at.post("/answer", **{**await at.shown(receipt.id), **await signed("add")}, choice="once")
        assert answer.status_code == 409
        again = await signed("remove", second.id)
        assert (await at.post("/passkeys/remove", id=second.id, **again)).status_code == 303
        assert (await at.post("/passkeys/remove", id=first.id, **again)).status_code == 409
        assert [passkey.id for passkey in await at.at.opened.ledger.passkeys.present()] == [first.id]
        assert at.sent == []


async def test_a_removed_passkey_signs_nothing_more(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.remove_by_passphrase()
        assert "data-passkey=" not in await at.get(f"/outbounds/{(await at.want()).id}")
        await refuses(at, at.device)


async def test_a_credential_is_registered_once(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        excluded = [item["id"] for item in made["options"]["excludeCredentials"]]
        assert len(excluded) == 1
        assert (await at.finish(made, at.device)).status_code == 409
        assert len(await at.at.opened.ledger.passkeys.present()) == 1


@pytest.mark.parametrize("label", ["", "   ", "x" * 41, "a\nb", "a\u202eb"])
async def test_a_passkey_needs_a_name_that_can_be_read(tmp_path: Path, label: str) -> None:
    async with table(tmp_path, added=False) as at:
        answer = await at.post("/passkeys/create", csrf=await at.csrf(), label=label, passphrase=PASSPHRASE)
        assert answer.status_code == 400


async def test_a_name_is_shown_as_what_it_is(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        label = "<script>alert(1)</script>"
        made = await at.ask("/passkeys/create", label=label, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device, label=label)).status_code == 303
        page = await at.get("/passkeys")
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page


async def test_there_are_sixteen_passkeys_at_most(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        for _ in range(16):
            await at.add(Authenticator(HERE))
        answer = await at.post("/passkeys/create", csrf=await at.csrf(), label=LABEL, passphrase=PASSPHRASE)
        assert answer.status_code == 409


async def test_without_a_passphrase_no_passkey_is_added(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as bare:
        at = Table(bare, Authenticator(HERE))
        page = await at.get("/passkeys")
        assert "ringback passphrase" in page
        assert "data-passkey=" not in page
        csrf = hidden(await at.get("/allowed"), "csrf")
        answer = await at.post("/passkeys/create", csrf=csrf, label=LABEL, passphrase="")
        assert answer.status_code == 403
        assert "Set a passphrase first" in answer.text


async def test_a_passkey_outlives_a_forgotten_passphrase(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        passphrase_path(tmp_path).unlink()
        set_passphrase(tmp_path, "another one entirely")
        form = await at.get("/sign-in")
        await at.post("/sign-in", csrf=hidden(form, "csrf"), passphrase="another one entirely")
        receipt = await at.want()
        await at.post("/answer", **await at.signed(receipt.id))
        assert (await at.status(receipt.id))[1] == "A3"


async def test_without_the_library_the_page_works_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with table(tmp_path, floor=ApprovalFloor.CLIENT) as at:
        receipt = await at.want()
        fields = await at.signed(receipt.id)
        monkeypatch.setattr("ringback_server.console.ceremonies.find_spec", lambda name: None)
        for path in ("/", "/passkeys", f"/outbounds/{receipt.id}"):
            assert "data-passkey=" not in await at.get(path)
        assert "ringback[passkey]" in await at.get("/passkeys")
        for path in ("/answer", "/answer/challenge"):
            answer = await at.post(path, **fields)
            assert answer.status_code == 409
            assert "ringback[passkey]" in answer.text
        assert (await at.post("/answer", **await at.shown(receipt.id), choice="once")).status_code == 303
        assert await at.status(receipt.id) == ("accepted", "A2")
