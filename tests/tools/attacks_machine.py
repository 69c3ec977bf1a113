"""What time, other processes, a stricter setting, an edited ledger and a forbidden destination can try."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from tests.tools.attacks_client import filled, legacy_answer
from tests.tools.field import ask, reply
from tests.tools.support import SENDING, yes
from tests.tools.wire import bare

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level

if TYPE_CHECKING:
    from tests.tools.field import Field, Wish

    from ringback.opening import Ringback

NO_NUMBERS: Final = (
    *("911", "112", "999", "+911", "+1911", "+44999", "0", "", "5551234567", "+1212555CALL", "tel:+14155552671;ext=9"),
    *("+14155552671,+14155552672", "+14155552671 x9", "72345", "+1", "++14155552671", "+\uff10\uff11\uff12"),
    *("0014155552671", "+1 900 555 1234"),
)
LINE_KEPT_S: Final = 31
EXPIRY_S: Final = 601


async def forbidden_destinations(field: Field) -> None:
    """Numbers that nobody may reach, with a person who says yes to whatever is asked."""
    pick = field.random.randrange
    numbers = [*NO_NUMBERS, "+19005551234", "+881612345678"]
    numbers += [f"+1900555{pick(10_000):04}" for _ in range(25)]
    numbers += [f"+1{pick(202, 900)}976{pick(10_000):04}" for _ in range(25)]
    numbers += [f"+{code}{pick(10**8, 10**9)}" for code in (870, 881, 882, 883, 878, 979) for _ in range(5)]
    numbers += [f"+80{kind}{pick(10**7, 10**8)}" for kind in "08" for _ in range(10)]
    async with bare(field.house) as client:
        for number in numbers:
            wish = field.wish(SENDING[field.attempts % 3], to=number)
            asked = await ask(client, wish)
            if "requestState" in asked:
                await reply(client, wish, asked["requestState"])


async def telephony_off(field: Field) -> None:
    """Sends while telephony is off or cannot be asked, and a yes to a question from before that."""
    sandbox = field.house.sandbox
    async with bare(field.house) as client:
        early = [field.wish(tool) for tool in SENDING * 4]
        states = [(await ask(client, wish))["requestState"] for wish in early]
        for telephony in ("disabled", "unreachable-check"):
            sandbox.post("/sandbox/faults", {"telephony": telephony})
            field.house.clock.offset_s += LINE_KEPT_S
            for tool in SENDING * 4:
                wish = field.wish(tool)
                asked = await ask(client, wish)
                if "requestState" in asked:
                    await reply(client, wish, asked["requestState"])
            half = slice(0, 6) if telephony == "disabled" else slice(6, 12)
            for wish, state in zip(early[half], states[half], strict=True):
                await reply(client, wish, state)
    sandbox.post("/sandbox/faults", {"telephony": "enabled"})
    field.house.clock.offset_s += LINE_KEPT_S


async def late_answers(field: Field) -> None:
    """A yes after the question has run out, and a yes in time that is found only after it has run out."""
    house = field.house
    async with bare(house) as client, bare(house, era="2025-11-25") as legacy:
        for late_s in [EXPIRY_S, 700, 3_600, 86_400] * 5:
            wish = field.wish()
            state = (await ask(client, wish))["requestState"]
            house.clock.offset_s += late_s
            await reply(client, wish, state)
        wish = field.wish()
        call = await legacy.request("tools/call", {"name": wish.tool, "arguments": wish.arguments})
        asked = await legacy.until(lambda message: message.get("method") == "elicitation/create")
        house.clock.offset_s += EXPIRY_S
        await legacy.put({"id": asked["id"], "result": filled(wish.digits, "once")})
        await legacy.answer(call)
    async with house.opened() as opened:
        for _ in range(10):
            await stored_yes(field, opened, field.wish(), Level.A2)
        house.clock.offset_s += EXPIRY_S
        await opened.telephone.tend()


async def stored_yes(field: Field, opened: Ringback, wish: Wish, level: Level) -> str:
    """A yes that is in the ledger and was not sent yet, as a process leaves it that ends between the two."""
    receipt = await opened.telephone.send_sms(wish.arguments["to"], wish.text)
    record = await opened.ledger.outbounds.get(receipt.id)
    await opened.ledger.consents.answer(record, Choice.ONCE, level=level, via="client:x")
    return receipt.id


async def too_low_a_level(field: Field) -> None:
    """The client's yes, where the installation has come to ask for the page: asked before, or stored before."""
    house = field.house
    wishes = [field.wish() for _ in range(20)]
    async with bare(house) as client:
        states = [(await ask(client, wish))["requestState"] for wish in wishes]
    async with house.opened() as opened:
        raised = [await stored_yes(field, opened, field.wish(), Level.A1) for _ in range(10)]
        for _ in range(10):
            await stored_yes(field, opened, field.wish(), Level.A1)
    with closing(sqlite3.connect(house.home / "ledger.db", isolation_level=None)) as ledger:
        ledger.execute("DROP TRIGGER approval_is_append_only")
        for outbound in raised:
            ledger.execute("UPDATE approval SET level = 'A3', via = 'page' WHERE outbound_id = ?", (outbound,))
    field.monkeypatch.setenv("RINGBACK_APPROVAL", "page")
    async with bare(house) as client, bare(house, era="2025-11-25", elicitation={"form": {}}) as legacy:
        for wish, state in zip(wishes, states, strict=True):
            await reply(client, wish, state)
        for _ in range(10):
            wish = field.wish()
            await client.call(wish.tool, wish.arguments, inputResponses=yes(wish.digits))
            await legacy.call(wish.tool, wish.arguments)
    async with house.opened() as opened:
        await opened.telephone.tend()
    field.monkeypatch.delenv("RINGBACK_APPROVAL")


async def races(field: Field) -> None:
    """Five hundred answers at once to one question; the page and the client at once; the same wish at once."""
    house = field.house
    async with bare(house) as client, house.opened() as page, house.opened() as second:
        wish = field.wish()
        state = (await ask(client, wish))["requestState"]
        field.approve(wish)
        house.clock.offset_s += LINE_KEPT_S  # the line is asked again: the dispatches wait beside each other
        params = {"requestState": state, "inputResponses": yes(wish.digits)}
        call = {"name": wish.tool, "arguments": wish.arguments, **params}
        field.more(500)
        for request in [await client.request("tools/call", call) for _ in range(500)]:
            await client.answer(request)
        for _ in range(10):
            wish = field.wish()
            state = (await ask(client, wish))["requestState"]
            (question,) = [item for item in await page.person.waiting() if wish.text in item.text]
            field.approve(wish)
            house.clock.offset_s += LINE_KEPT_S
            answer = Answer(Choice.ONCE, Level.A2, "page")
            field.more(3)
            await asyncio.gather(
                page.person.answer(question.id, answer), second.person.answer(question.id, answer),
                page.person.answer(question.id, answer), reply(client, wish, state),
            )  # fmt: skip
        wish = field.wish()
        field.more(19)
        call = {"name": wish.tool, "arguments": wish.arguments}
        asked = [await client.request("tools/call", call) for _ in range(20)]
        states = [(await client.answer(request))["result"]["requestState"] for request in asked]
        field.approve(wish)
        for state in states:
            await reply(client, wish, state)


async def both_answers(field: Field) -> None:
    """A no by one way and, after it, a yes by every other."""
    house = field.house
    async with bare(house, era="2025-11-25") as legacy, house.opened() as page:
        for _ in range(10):
            wish = field.wish()
            await legacy_answer(legacy, wish, {"action": "decline"})
            newest = (await page.telephone.history(1)).items[0]
            field.more(2)
            for choice in (Choice.ONCE, Choice.DAY):
                await page.person.answer(newest.id, Answer(choice, Level.A2, "page"))
            await legacy.call(wish.tool, wish.arguments)


async def foreign_signatures(field: Field) -> None:
    """Answers of the highest level over a passkey's signature for something else, for another choice, or for before."""
    async with field.house.opened() as page:
        for _ in range(8):
            mine, other = [
                (await page.telephone.send_sms(wish.arguments["to"], wish.text)).id
                for wish in (field.wish(), field.wish())
            ]
            older, others = str(await page.person.ask_client(mine)), str(await page.person.ask_client(other))
            newest = str(await page.person.ask_client(mine))
            signed = [
                (newest, await page.person.challenge(other, Choice.ONCE, others)),
                (others, await page.person.challenge(other, Choice.ONCE, others)),
                (newest, await page.person.challenge(mine, Choice.NO, newest)),
                (newest, await page.person.challenge(mine, Choice.DAY, newest)),
                (newest, await page.person.challenge(mine, Choice.ONCE, older)),
                (older, await page.person.challenge(mine, Choice.ONCE, older)),
                (newest, b""),
                (newest, None),
                (None, None),
            ]
            field.more(len(signed))
            for nonce, challenge in signed:
                with suppress(Refused):
                    answer = Answer(Choice.ONCE, Level.A3, "page", nonce=nonce, challenge=challenge)
                    await page.person.answer(mine, answer)


ATTACKS: Final = (
    forbidden_destinations,
    telephony_off,
    late_answers,
    too_low_a_level,
    races,
    both_answers,
    foreign_signatures,
)
