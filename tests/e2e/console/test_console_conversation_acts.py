"""Taking over, writing and giving back by requests: twice at once, with a passkey, on a live carrier, forged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.attempts import Attempt, Known, approval, by, reading, sign_in, with_field, with_header
from tests.e2e.console.conftest import PASSPHRASE, TO, hidden
from tests.e2e.console.desk import desk
from tests.e2e.console.table import table

from ringback.errors import CarrierUnavailable, Refused
from ringback.settings import ApprovalFloor
from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx2
    from tests.e2e.console.conftest import Console, Installation
    from tests.e2e.console.desk import Desk
    from tests.e2e.console.table import Table

    from ringback.opening import Ringback

NOBODY = "ct_" + "a" * 16


async def talk_of(at: Desk) -> str:
    """The path of the conversation with somebody whom the agent wrote to."""
    outbound_id = await at.agreed("From the agent.")
    return f"/conversations/{(await at.opened.ledger.outbounds.get(outbound_id)).contact}"


async def write(at: Desk, talk: str, text: str, page: str | None = None) -> httpx2.Response:
    page = page or (await at.get(talk)).text
    return await at.post(talk, csrf=hidden(page, "csrf"), nonce=hidden(page, "nonce"), text=text)


async def press(at: Desk, path: str) -> httpx2.Response:
    page = (await at.get(path.rpartition("/")[0])).text
    return await at.post(path, csrf=hidden(page, "csrf"))


async def standing(at: Desk) -> int:
    return len(await at.opened.person.conversations.standing())


def sent(at: Desk) -> list[str]:
    return [outbound.text for outbound in at.carrier.sent if outbound.by_hand]


async def test_on_a_live_carrier_only_who_signed_in_takes_over_and_writes(tmp_path: Path) -> None:
    async with desk(tmp_path, live=True) as at:
        await at.sign_in()
        talk = await talk_of(at)
        page = (await at.get(talk)).text
        assert "it goes to a real phone" in page
        csrf, nonce = hidden(page, "csrf"), hidden(page, "nonce")
        signed_in, at.cookie = at.cookie, ""
        await at.get("/sign-in")
        for path in (f"{talk}/take", talk, f"{talk}/give-back"):
            assert (await at.post(path, csrf=csrf, nonce=nonce, text="Not signed in.")).status_code == 403
        assert (await at.get(talk)).headers["location"] == "/sign-in"
        assert (await standing(at), sent(at)) == (0, [])
        at.cookie = signed_in
        assert (await press(at, f"{talk}/take")).status_code == 303
        assert (await write(at, talk, "Signed in.")).status_code == 303
        assert (await standing(at), sent(at)) == (1, ["Signed in."])


async def test_a_double_click_sends_one_text_and_the_same_text_again_from_a_new_form_another(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        await press(at, f"{talk}/take")
        page = (await at.get(talk)).text
        answers = await asyncio.gather(*(write(at, talk, "Hello.", page) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {303}
        assert sent(at) == ["Hello."]
        await write(at, talk, "Hello.")
        assert sent(at) == ["Hello.", "Hello."]


async def test_another_text_from_a_form_that_was_sent_is_held_back_and_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        await press(at, f"{talk}/take")
        page = (await at.get(talk)).text
        await write(at, talk, "First.", page)
        held = await write(at, talk, "Second <b>.", page)
        assert held.status_code == 409
        assert "Second &lt;b&gt;." in held.text
        assert sent(at) == ["First."]
        await write(at, talk, "Second.", held.text)
        assert sent(at) == ["First.", "Second."]


async def test_a_second_press_on_take_over_or_give_back_says_so_and_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        for _ in range(2):
            assert (await press(at, f"{talk}/take")).status_code == 303
        assert "It was taken over before." in (await at.get(talk)).text
        assert await standing(at) == 1
        for _ in range(2):
            assert (await press(at, f"{talk}/give-back")).status_code == 303
        assert "It had been given back before." in (await at.get(talk)).text
        assert await standing(at) == 0


async def test_without_a_takeover_nothing_is_written_and_the_text_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        refused = await write(at, talk, "Too early.")
        assert refused.status_code == 409
        assert "Nobody has taken over this conversation." in refused.text
        assert "Too early." in refused.text
        assert sent(at) == []


@pytest.mark.parametrize("text", ["", " \r\n ", "x" * 1601])
async def test_a_text_that_is_none_or_too_long_is_told(tmp_path: Path, text: str) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        await press(at, f"{talk}/take")
        assert (await write(at, talk, text)).status_code == 422
        assert sent(at) == []


async def test_a_lost_answer_of_the_carrier_is_told_as_doubt_and_not_as_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        await press(at, f"{talk}/take")
        at.carrier.troubles.append(CarrierUnavailable("reset"))
        await write(at, talk, "Perhaps.")
        page = (await at.get(talk)).text
        assert "It may or may not have gone out" in page
        assert "Sent by hand." not in page


async def test_the_number_stands_in_no_address(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        talk = await talk_of(at)
        await press(at, f"{talk}/take")
        for answer in (await press(at, f"{talk}/take"), await write(at, talk, "Hello.")):
            assert answer.headers["location"] == talk
        page = (await at.get(talk)).text
        assert TO.removeprefix("+") not in "".join(part for part in page.split('"') if part.startswith("/"))


# -- a passkey ---------------------------------------------------------------------------------------------------------


async def talk_at(at: Table) -> str:
    """A conversation that was taken over, where only a passkey counts."""
    receipt = await at.want()
    talk = f"/conversations/{receipt.contact}"
    answer = await at.post(f"{talk}/take", csrf=hidden(await at.get(talk), "csrf"))
    assert answer.status_code == 303
    return talk


async def test_where_a_passkey_is_needed_a_text_by_hand_waits_for_its_signature(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        talk = await talk_at(at)
        page = await at.get(talk)
        assert "Go on to your passkey" in page
        fields = {name: hidden(page, name) for name in ("csrf", "nonce")}
        answers = [await at.post(talk, **fields, text="By hand.") for _ in range(2)]
        (there,) = {answer.headers["location"] for answer in answers}
        outbound_id = there.removeprefix("/outbounds/")
        assert at.sent == []
        unsigned = await at.post("/answer", **await at.shown(outbound_id), choice="once")
        assert unsigned.status_code == 409
        assert at.sent == []
        assert (await at.post("/answer", **await at.signed(outbound_id))).status_code == 303
        assert at.sent == ["By hand."]
        assert await at.status(outbound_id) == ("accepted", "A3")


async def test_an_agent_gets_nothing_through_while_a_text_by_hand_waits_for_the_passkey(tmp_path: Path) -> None:
    async with table(tmp_path, floor=ApprovalFloor.PASSKEY) as at:
        talk = await talk_at(at)
        page = await at.get(talk)
        fields = {name: hidden(page, name) for name in ("csrf", "nonce")}
        await at.post(talk, **fields, text="By hand.")
        with pytest.raises(Refused) as refused:
            await at.want("By hand.")
        assert refused.value.rule == "human_takeover"


# -- forged ------------------------------------------------------------------------------------------------------------

FORGED: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    ("no session", with_header("Cookie"), 403),
    ("an invented session", with_header("Cookie", f"__Host-ringback-PORT={'A' * 43}"), 403),
    ("no token", with_field(csrf=None), 403),
    ("a wrong token", with_field(csrf="A" * 43), 403),
    ("no origin", with_header("Origin"), 403),
    ("the null origin", with_header("Origin", "null"), 403),
    ("another site", with_header("Origin", "https://evil.example"), 403),
    ("sent by another port", with_header("Sec-Fetch-Site", "same-site"), 403),
    ("a foreign host", with_header("Host", "evil.example:PORT"), 421),
    ("JSON", with_header("Content-Type", "application/json"), 415),
    ("nobody's reference", lambda attempt: moved(attempt, NOBODY), 404),
    ("a number for a reference", lambda attempt: moved(attempt, "%2B12025550123"), 404),
    ("a path for a reference", lambda attempt: moved(attempt, "..%2fallowed"), 404),
    ("a reference in capitals", lambda attempt: moved(attempt, reference(attempt).upper()), 404),
]
ACTS = ("taking", "writing", "giving")


def reference(attempt: Attempt) -> str:
    return attempt.target.split("/")[2]


def moved(attempt: Attempt, contact: str) -> Attempt:
    return replace(attempt, target=attempt.target.replace(reference(attempt), contact))


@dataclass(frozen=True)
class Acts:
    """A conversation that is the agent's, one that was taken over, and the forms by which a person acts on them."""

    known: Known
    free: str
    taken: str
    nonce: str

    def _attempt(self, target: str, **fields: str) -> Attempt:
        return replace(approval(self.known), target=target, fields={"csrf": self.known.fields["csrf"], **fields})

    @property
    def taking(self) -> Attempt:
        return self._attempt(f"/conversations/{self.free}/take")

    @property
    def writing(self) -> Attempt:
        return self._attempt(f"/conversations/{self.taken}", nonce=self.nonce, text="Forged.")

    @property
    def giving(self) -> Attempt:
        return self._attempt(f"/conversations/{self.taken}/give-back")


@pytest.fixture(scope="module")
def console(module_installation: Installation) -> Console:
    set_passphrase(module_installation.home, PASSPHRASE)
    return module_installation.console()


@pytest.fixture(scope="module")
def acts(module_installation: Installation, console: Console) -> Acts:
    free = module_installation.agreed("To one.").contact
    taken = module_installation.agreed("To another.", "+12025550188").contact
    module_installation.do(lambda opened: opened.person.conversations.take_over("+12025550188", via="page"))
    waiting = module_installation.text("Still a question.")
    _, other = sign_in(console)
    cookie, page = sign_in(console)
    known = Known(console, cookie, other.hidden("csrf"), waiting.id, {"csrf": page.hidden("csrf")})
    shown = reading(f"/conversations/{taken}")(approval(known)).send()
    return Acts(known, free, taken, shown.hidden("nonce"))


def assert_as_before(installation: Installation, acts: Acts) -> None:
    async def contacts(opened: Ringback) -> list[str]:
        return [takeover.contact for takeover in await opened.person.conversations.standing()]

    assert installation.do(contacts) == [acts.taken]
    assert len(installation.record()) == 2
    assert installation.status(acts.known.outbound_id) == "awaiting_approval"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in FORGED])
def test_a_forged_act_is_refused(
    module_installation: Installation, acts: Acts, act: str, change: Callable[[Attempt], Attempt], status: int
) -> None:
    attempt: Attempt = getattr(acts, act)
    assert change(attempt).send().status == status
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("act", ACTS)
def test_the_token_of_another_session_does_not_act(module_installation: Installation, acts: Acts, act: str) -> None:
    attempt: Attempt = getattr(acts, act)
    assert with_field(csrf=acts.known.other_csrf)(attempt).send().status == 403
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("act", ["taking", "giving"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_no_other_method_acts(module_installation: Installation, acts: Acts, method: str, act: str) -> None:
    attempt: Attempt = getattr(acts, act)
    assert by(method, attempt.target)(attempt).send().status == 405
    assert_as_before(module_installation, acts)


def test_looking_with_a_text_in_the_address_writes_nothing(module_installation: Installation, acts: Acts) -> None:
    assert by("GET", acts.writing.target)(acts.writing).send().status == 200
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("nonce", [None, "", "A" * 21, "A" * 23, "../" + "A" * 19, "é" * 22])
def test_a_form_without_its_own_number_writes_nothing(
    module_installation: Installation, acts: Acts, nonce: str | None
) -> None:
    assert with_field(nonce=nonce)(acts.writing).send().status == 400
    assert_as_before(module_installation, acts)
