"""What a process on the same machine can try that writes the ledger: with the key for one row, or without any."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tests.tools.field import ask, reply
from tests.tools.wire import bare

from ringback.model.numbers import parse_number

if TYPE_CHECKING:
    from tests.tools.field import Field

    from ringback.ledger.records import Allowance


async def edited_ledger(field: Field) -> None:
    """A process with the ledger and its key in hand changes what was approved, in the moment of the yes."""
    house = field.house
    changes: list[dict[str, Any]] = [
        {"text": "something else."},
        {"to": parse_number("+12025559999")},
        {"text": "something longer, with more."},
        {"text": "something  else."},
    ]
    async with bare(house) as client, house.opened() as opened:
        store = opened.ledger.outbounds._store
        for change in changes * 5:
            wish = field.wish()
            state = (await ask(client, wish))["requestState"]
            (question,) = [item for item in await opened.person.waiting() if wish.text in item.text]
            record = await opened.ledger.outbounds.get(question.id)
            sealed = store.seal_outbound(replace(record.outbound, **change), record.id, None)
            with closing(sqlite3.connect(house.home / "ledger.db", isolation_level=None)) as ledger:
                ledger.execute(
                    f"CREATE TRIGGER edit_{field.attempts} AFTER UPDATE OF status ON outbound "
                    f"WHEN NEW.id = '{record.id}' AND NEW.status = 'approved' "
                    f"BEGIN UPDATE outbound SET sealed = X'{sealed.hex()}' WHERE id = NEW.id; END"
                )
            await reply(client, wish, state)


async def hand_made_answers(field: Field) -> None:
    """A process that can write the ledger, and has no key, puts down a yes of its own or copies somebody's."""
    house = field.house
    async with house.opened() as opened, bare(house) as client:
        given = field.wish()
        state = (await ask(client, given))["requestState"]
        field.approve(given)
        yes_id = (await reply(client, given, state))["structuredContent"]["id"]
        wishes = [field.wish() for _ in range(20)]
        waiting = [(await opened.telephone.send_sms(wish.arguments["to"], wish.text)).id for wish in wishes]
        with closing(sqlite3.connect(house.home / "ledger.db", isolation_level=None)) as ledger:
            ledger.execute("PRAGMA busy_timeout = 10000")
            for number, outbound in enumerate(waiting):
                if number % 2:
                    columns = "digest, choice, level, via, answered_at"
                    copied = f"SELECT ?, {columns} FROM approval WHERE outbound_id = ?"
                    ledger.execute(f"INSERT INTO approval (outbound_id, {columns}) {copied}", (outbound, yes_id))
                ledger.execute("UPDATE outbound SET status = 'approved', level = 'A3' WHERE id = ?", (outbound,))
        await opened.telephone.tend()


def stretch(ledger: sqlite3.Connection, allowance: Allowance, change: str, contact: str) -> None:
    """Write one column of an allowance, or put down a second row like it."""
    if change == "copy":
        columns = [row[1] for row in ledger.execute("PRAGMA table_info(allowance)")]
        kept = ", ".join(name for name in columns if name not in {"id", "revoked_at"})
        copied = f"SELECT 'al_copy', {kept} FROM allowance WHERE id = ?"
        ledger.execute(f"INSERT INTO allowance (id, {kept}) {copied}", (allowance.id,))
        return
    values = {"contact": contact, "remaining": 99, "channel": "voice", "max_chars": 4096, "revoked_at": None}
    value = allowance.expires_at + 90_000 if change == "expires_at" else values[change]
    ledger.execute(f"UPDATE allowance SET {change} = ? WHERE id = ?", (value, allowance.id))


async def edited_allowances(field: Field) -> None:
    """Trust that a person gave for one number, a day and some uses: stretched to another number, to more, to longer."""
    house = field.house
    async with bare(house) as client, house.opened() as opened:
        for change in ("contact", "remaining", "expires_at", "revoked_at", "channel", "max_chars", "copy"):
            given = field.wish()
            to = None if change == "contact" else given.arguments["to"]
            words = "x" * 600 if change == "max_chars" else ""
            stretched = field.wish("voice-call" if change == "channel" else "send-sms", to=to, words=words)
            field.approve(given)
            await reply(client, given, (await ask(client, given))["requestState"], choice="day")
            (allowance,) = await opened.person.allowances()
            if change in {"revoked_at", "copy"}:
                await opened.person.revoke(allowance.id)
            with closing(sqlite3.connect(house.home / "ledger.db", isolation_level=None)) as ledger:
                ledger.execute("PRAGMA busy_timeout = 10000")
                if change == "remaining":
                    ledger.execute("UPDATE allowance SET remaining = 0 WHERE id = ?", (allowance.id,))
                stretch(ledger, allowance, change, opened.keyring.contact(parse_number(stretched.arguments["to"])))
                house.clock.offset_s += 86_401 if change == "expires_at" else 0
                await ask(client, stretched)
                ledger.execute("DELETE FROM allowance")


ATTACKS: Final = (edited_ledger, hand_made_answers, edited_allowances)
