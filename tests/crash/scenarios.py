"""How a wish comes to be sent, and what else happens to it: one function for each, the same in every life.

Each life begins like a server after a restart, with `tend`; then the client repeats its wish under the same key, and
the person, where the wish still waits, says yes again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ringback_support.installation import YES, want
from tests.crash.lives import Actor, at_sandbox, sandbox

from ringback import lease
from ringback.approvals import Answer
from ringback.errors import IdempotencyConflict, InvalidRequest, Refused
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.model.status import WITH_CARRIER, Status

if TYPE_CHECKING:
    from tests.crash.lives import Act

    from ringback.receipts import Receipt

DUE_S = 120.0
"""A scheduled wish is due so many seconds after it was made."""
QUESTION_IS_OVER_S = 660.0
TIME_IS_MISSED_S = 1200.0


@dataclass(frozen=True)
class Scenario:
    """What happens, and how it ends where nothing disturbs it: the status, and how many the sandbox took."""

    acts: tuple[Act, ...]
    """One in each life; between two of them the installation's key is rotated."""
    status: str = "delivered"
    taken: int = 1
    fault: str | None = None
    """What the sandbox does to the first send."""
    stop_s: float = 0.0
    """How long nothing runs after the first life."""


async def wished(actor: Actor, channel: Channel = Channel.SMS, **more: Any) -> Receipt:
    wish, telephone = actor.wish, actor.ringback.telephone
    return actor.told(await want(telephone, channel, wish.to, wish.text, idempotency_key=wish.key, **more))


async def answered(actor: Actor, receipt: Receipt, answer: Answer = YES) -> Receipt:
    if receipt.status != Status.AWAITING_APPROVAL:
        return receipt
    return actor.told(await actor.ringback.person.answer(receipt.id, answer))


async def looked_up(actor: Actor) -> Receipt | None:
    """The client finds its wish in the history, if it was stored."""
    page = await actor.ringback.ledger.outbounds.page(1)
    return actor.told(await actor.ringback.telephone.status(page.records[0].id)) if page.records else None


async def text_on_the_page(actor: Actor) -> Receipt:
    await actor.ringback.telephone.tend()
    return await answered(actor, await wished(actor))


async def picture_in_the_chat(actor: Actor) -> Receipt:
    """A client carries the question to the person, who types the last digits."""
    await actor.ringback.telephone.tend()
    receipt = await wished(actor, Channel.MMS)
    nonce = await actor.ringback.person.ask_client(receipt.id)
    typed = Answer(Choice.ONCE, Level.A1, "client:a-client", digits=actor.wish.to[-4:], nonce=nonce)
    return receipt if nonce is None else await answered(actor, receipt, typed)


async def call_with_a_beating_lease(actor: Actor) -> Receipt:
    """The person trusts the number for a day. The lease is prolonged all the time while the carrier has the call."""
    vars(lease)["HEARTBEAT_S"] = 0.0
    await actor.ringback.telephone.tend()
    return await answered(actor, await wished(actor, Channel.VOICE), Answer(Choice.DAY, Level.A2, "page"))


async def text_allowed_beforehand(actor: Actor) -> Receipt:
    """The recipient is allowed for one text; nobody is asked."""
    person, telephone = actor.ringback.person, actor.ringback.telephone
    await telephone.tend()
    if not (await telephone.history()).items and not await person.allowances():
        await person.allow(actor.wish.to, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=1)
    receipt = await wished(actor)
    assert receipt.status != Status.AWAITING_APPROVAL, "the allowance was spent, and no wish was stored with that"
    return receipt


async def cancelled(actor: Actor) -> Receipt:
    """Cancelled while it waits; the person's yes comes too late."""
    await actor.ringback.telephone.tend()
    receipt = actor.told(await actor.ringback.telephone.cancel((await wished(actor)).id))
    return actor.told(await actor.ringback.person.answer(receipt.id, YES))


async def yes_and_cancel_at_once(actor: Actor) -> Receipt:
    telephone, person = actor.ringback.telephone, actor.ringback.person
    await telephone.tend()
    receipt = await wished(actor)
    both = person.answer(receipt.id, YES), telephone.cancel(receipt.id)
    for ended in await asyncio.gather(*both, return_exceptions=True):
        assert not isinstance(ended, BaseException) or isinstance(ended, Refused), "one of the two comes too late"
    return actor.told(await telephone.status(receipt.id))


async def doubt_that_a_person_ends(actor: Actor) -> Receipt:
    receipt = await text_on_the_page(actor)
    if receipt.status == Status.UNKNOWN:
        receipt = actor.told(await actor.ringback.person.resolve(receipt.id, sent=bool(at_sandbox(actor.home))))
    return receipt


async def scheduled(actor: Actor) -> Receipt | None:
    await actor.ringback.telephone.tend()
    receipt = await answered(actor, await wished(actor, send_at=actor.wish.due))
    if receipt.status == Status.SCHEDULED and actor.clock.now() < datetime.fromisoformat(actor.wish.due):
        actor.pass_time(DUE_S)
        await actor.ringback.telephone.tend()
        receipt = actor.told(await actor.ringback.telephone.status(receipt.id))
    return receipt


async def scheduled_and_missed(actor: Actor) -> Receipt | None:
    """After the stop its time is past: the same wish finds its receipt, and one that was never stored is refused."""
    await actor.ringback.telephone.tend()
    try:
        return await answered(actor, await wished(actor, send_at=actor.wish.due))
    except InvalidRequest:
        assert await looked_up(actor) is None, "it was stored, and has a receipt"
        return None


async def callbacks_and_a_reply(actor: Actor) -> Receipt:
    """The sandbox calls back before we know its id (after a kill), and again; then the handset's owner writes."""
    await actor.call_back()
    receipt = await text_on_the_page(actor)
    await actor.call_back()
    if receipt.status in WITH_CARRIER:
        actor.pass_time(1.5)
        await actor.call_back()
    if not sandbox(actor.home, "GET", "replies"):
        sandbox(actor.home, "POST", "replies", {"from": actor.wish.to, "body": "I see."})
    await actor.ringback.telephone.tend()
    return receipt


async def person_forgotten(actor: Actor) -> Receipt | None:
    """Once it has arrived the person is forgotten; the same wish under the same key then sends nothing."""
    try:
        receipt = await text_on_the_page(actor)
    except IdempotencyConflict:
        return await looked_up(actor)
    if receipt.status in WITH_CARRIER:
        actor.pass_time(5)
        receipt = actor.told(await actor.ringback.telephone.status(receipt.id))
    if receipt.status == Status.DELIVERED:
        await actor.ringback.person.forget(actor.wish.to)
    return receipt


async def heard(actor: Actor, *words: str) -> None:
    """The handset's owner writes these, once each, and a server takes in what came."""
    written = len(sandbox(actor.home, "GET", "replies"))
    for word in words[written:]:
        sandbox(actor.home, "POST", "replies", {"from": actor.wish.to, "body": word})
    await actor.ringback.telephone.tend()


async def stop_word(actor: Actor) -> Receipt | None:
    """Whoever wrote STOP gets one confirmation, and the client is refused from then on."""
    await heard(actor, "STOP")
    for _ in range(2):
        await actor.ringback.telephone.tend()
    rule = None
    try:
        await wished(actor)
    except Refused as refused:
        rule = refused.rule
    assert rule == "opted_out", "the stop word was heard"
    return await looked_up(actor)


async def stop_and_start(actor: Actor) -> Receipt:
    """Whoever takes it back before it was confirmed is asked about as ever."""
    await heard(actor, "STOP", "START")
    return await answered(actor, await wished(actor))


async def opted_out_meanwhile(actor: Actor) -> Receipt | None:
    """Something is scheduled when a person notes an opt-out down: it does not go out at its time."""
    await actor.ringback.telephone.tend()
    if not await actor.ringback.person.opt_outs.standing():
        await answered(actor, await wished(actor, send_at=actor.wish.due))
        await actor.ringback.person.opt_outs.add(actor.wish.to, via="terminal")
    if actor.clock.now() < datetime.fromisoformat(actor.wish.due):
        actor.pass_time(DUE_S)
    await actor.ringback.telephone.tend()
    return await looked_up(actor)


SCENARIOS = {
    "a text, asked on the page": Scenario((text_on_the_page,)),
    "a picture, asked in the chat": Scenario((picture_in_the_chat,)),
    "a call, with a lease that beats": Scenario((call_with_a_beating_lease,), status="no_answer"),
    "a text, allowed beforehand": Scenario((text_allowed_beforehand,)),
    "a text, cancelled": Scenario((cancelled,), status="cancelled", taken=0),
    "a yes and a cancellation at once": Scenario((yes_and_cancel_at_once,), status="cancelled", taken=0),
    "a stop until the question is over": Scenario((text_on_the_page,), stop_s=QUESTION_IS_OVER_S),
    "an answer that is lost": Scenario((text_on_the_page,), fault="close-after"),
    "a doubt that a person ends": Scenario((doubt_that_a_person_ends,), fault="500", status="failed", taken=0),
    "a scheduled text": Scenario((scheduled,)),
    "a scheduled text that misses its time": Scenario(
        (scheduled_and_missed,), stop_s=TIME_IS_MISSED_S, status="expired", taken=0
    ),
    "callbacks and a reply": Scenario((callbacks_and_a_reply,)),
    "a key that is rotated": Scenario((wished, text_on_the_page)),
    "a person who is forgotten": Scenario((person_forgotten,)),
    "a stop word": Scenario((stop_word,)),
    "a stop word that is taken back": Scenario((stop_and_start,)),
    "an opt-out while something is scheduled": Scenario((opted_out_meanwhile,), status="cancelled", taken=0),
}
