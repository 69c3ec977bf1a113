"""What comes in, what is erased, and a ledger in trouble: the rest of the ways through an installation."""

from __future__ import annotations

import base64
import hmac
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.privacy.places import YES, Place, words

from ringback.carriers.sandbox_news import SandboxCallbacks
from ringback.ledger.records import Level
from ringback.model.news import CallbackRequest, Inbox, ReceivedText
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from tests.e2e.privacy.needles import Seed

DAY_S: Final = 86_400.0


def signed(place: Place, body: dict[str, Any], *, forged: bool = False) -> CallbackRequest:
    """A callback of the sandbox in the form of Standard Webhooks."""
    secret = b"x" * 32 if forged else place.ringback.keyring.callback_secret("sandbox")
    raw, moment = json.dumps(body).encode(), str(int(place.clock.now().timestamp()))
    mac = hmac.digest(secret, b".".join((b"w", moment.encode(), raw)), "sha256")
    headers = {
        "webhook-id": "w",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    return CallbackRequest("https://ours.example/webhooks/sandbox", headers, raw)


async def called_back(place: Place, seeds: list[Seed]) -> None:
    """Reports that come by themselves: before and after our own answer, twice, forged, and in no form at all."""
    place.carrier.callbacks = SandboxCallbacks()
    inbound = place.ringback.inbound
    for at, seed in enumerate(seeds):
        data = {"id": f"id-{at + 1}", "status": "undelivered", "error": words(seed), "to": seed.number}
        if at % 2:
            await place.attempt(inbound.callback("sandbox", signed(place, {"type": "message.status", "data": data})))
        await place.yes(seed, at)
        for forged in (False, True):
            request = signed(place, {"type": "message.status", "data": data}, forged=forged)
            await place.attempt(inbound.callback("sandbox", request))
        odd: tuple[dict[str, Any], ...] = ({"type": seed.text, "data": seed.number}, {seed.number: seed.text})
        await place.attempt(inbound.callback("sandbox", signed(place, odd[at % 2])))
        await place.attempt(inbound.callback(seed.number, signed(place, {})))
        stray = {"type": "message.status", "data": {**data, "id": f"never-{at}"}}
        await place.attempt(inbound.callback("sandbox", signed(place, stray)))


async def written_back(place: Place, seeds: list[Seed]) -> None:
    """Texts from people: by callback, by list, twice, and from a sender that is no number."""
    place.carrier.callbacks = SandboxCallbacks()
    now, texts = place.clock.now(), []
    for at, seed in enumerate(seeds):
        sender = f"Shop {seed.text[-9:]}" if at % 5 == 0 else seed.number
        data = {"id": f"in-{at}", "from": sender, "body": seed.text, "created_at": now.isoformat()}
        request = signed(place, {"type": "message.received", "data": data})
        await place.attempt(place.ringback.inbound.callback("sandbox", request))
        if at % 2:
            texts.append(ReceivedText(f"in-{at}-list", seed.number, seed.text, now.timestamp()))
    place.carrier.texts = Inbox(tuple(texts), "99")
    await place.tend()


async def forgotten(place: Place, seeds: list[Seed]) -> None:
    """Half are erased because they ask for it, half because their time is over."""
    for at, seed in enumerate(seeds):
        await place.ringback.person.allow(seed.number, Channel.SMS, level=Level.A2, via="x", seconds=99, count=9)
        await place.yes(seed, at)
        if at % 2:
            await place.wish(seed, at + 1)
            await place.attempt(place.ringback.person.forget(seed.number))
    await place.tend(31 * DAY_S)
    await place.tend(3601)


async def broken(place: Place, seeds: list[Seed]) -> None:
    """A ledger that was changed, or that can no longer be written."""
    database = place.ringback.ledger.database._connection
    for at, seed in enumerate(seeds):
        waiting = await place.wish(seed, at)
        if at % 3 == 0:
            database.execute("UPDATE outbound SET sealed = x'00' WHERE id = ?", (waiting.id,))
        elif at % 3 == 1:
            database.execute(
                "UPDATE outbound SET asked_by = 'x', expires_at = expires_at + 1 WHERE id = ?", (waiting.id,)
            )
        else:
            database.execute("PRAGMA query_only = ON")
        await place.attempt(place.ringback.telephone.status(waiting.id))
        await place.attempt(place.ringback.person.answer(waiting.id, YES))
        await place.wish(seed, at + 1)
        database.execute("PRAGMA query_only = OFF")


async def locked(place: Place, seeds: list[Seed]) -> None:
    """Another process holds the ledger for longer than we wait."""
    place.ringback.ledger.database._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(place.home / "ledger.db", isolation_level=None)
    try:
        for at, seed in enumerate(seeds):
            waiting = await place.wish(seed, at)
            other.execute("BEGIN IMMEDIATE")
            await place.wish(seed, at + 1)
            await place.attempt(place.ringback.person.answer(waiting.id, YES))
            other.execute("COMMIT")
    finally:
        other.close()
