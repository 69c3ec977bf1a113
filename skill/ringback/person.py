"""What a person may do and a tool may not: see the whole number, answer, allow a recipient, take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.approvals import PLAIN_CHARS
from ringback.conversations import Conversations
from ringback.errors import NotFound, Refused
from ringback.guards import Facts, Refuse, destination
from ringback.ledger.consents import Grant
from ringback.model.numbers import parse_number
from ringback.model.outbound import PROMPT_LIMIT, Channel, Outbound
from ringback.model.status import Status
from ringback.opting_out import OptingOut
from ringback.overview import Overview
from ringback.receipts import Receipt, receipt
from ringback.triggers import Definitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback.approvals import Answer
    from ringback.ledger.erasure import Forgotten
    from ringback.ledger.records import Allowance, Choice, Level, Received
    from ringback.parts import Parts
    from ringback.questions import Question


class Person:
    """The person's side. Only a face that stands before a person may hold one: form, page, terminal."""

    def __init__(self, parts: Parts) -> None:
        self._carriers = parts.carriers
        self._ledger = parts.ledger
        self._approvals = parts.approvals
        self._dispatcher = parts.dispatcher
        self._lines = parts.lines
        self.conversations = Conversations(parts)
        """What a person takes over and writes by hand."""
        self.opt_outs = OptingOut(parts)
        """Who wants no more."""
        self.overview = Overview(parts)
        """The rules in force, how far they are used, and named time zones."""
        self.triggers = Definitions(parts.carriers, parts.ledger)
        """What a person lets other programs send."""

    @property
    def least(self) -> Level:
        """The least level of approval that counts here."""
        return self._approvals.least

    async def waiting(self) -> list[Question]:
        """Everything that waits for an answer, oldest first, whole."""
        await self._ledger.outbounds.expire()
        waiting = await self._ledger.outbounds.under_way({Status.AWAITING_APPROVAL})
        return [self._approvals.question(record) for record in waiting]

    async def question(self, outbound_id: str) -> Question:
        """One outbound that waits, whole.

        Raises:
            NotFound: there is none of this id that waits.
        """
        await self._ledger.outbounds.expire()
        record = await self._ledger.outbounds.get(outbound_id)
        if record.status is not Status.AWAITING_APPROVAL:
            raise NotFound(f"This outbound waits for nobody: it is {record.status}.", hint="See: ringback history")
        return self._approvals.question(record)

    async def ask_client(self, outbound_id: str) -> str | None:
        """A nonce for a question that a client carries to the person; `None` where nothing waits."""
        return await self._approvals.ask_client(outbound_id)

    async def challenge(self, outbound_id: str, choice: Choice, nonce: str) -> bytes:
        """What a passkey must sign for an answer of level A3; the nonce is one of `ask_client`.

        Raises:
            NotFound: there is no such outbound.
        """
        return await self._approvals.challenge(outbound_id, choice, nonce)

    async def answer(self, outbound_id: str, answer: Answer) -> Receipt:
        """Store an answer and, after a yes, send. A second answer changes nothing and gets the same receipt.

        Raises:
            NotFound: there is no such outbound.
            Refused: this way of asking does not count here.
        """
        await self._ledger.outbounds.expire()
        record = await self._approvals.answer(outbound_id, answer)
        return receipt(await self._dispatcher.dispatch(record.id))

    async def listed(self, outbound_id: str) -> list[Question]:
        """All that waits with the same words for one answer, whole; empty where this one is not of a list.

        Raises:
            NotFound: there is no such outbound.
        """
        await self._ledger.outbounds.expire()
        return [self._approvals.question(record) for record in await self._approvals.listed(outbound_id)]

    async def challenge_list(self, ids: Sequence[str], choice: Choice, nonce: str) -> bytes:
        """What a passkey must sign for one answer of level A3 to a whole list.

        Raises:
            NotFound: one of them is not there.
        """
        return await self._approvals.challenge_list(ids, choice, nonce)

    async def answer_list(self, ids: Sequence[str], answer: Answer) -> list[Receipt]:
        """Store one answer to all of a list that was shown whole and, after a yes, send them.

        `digits` of the answer is how many they are, as the person typed it; the page may leave it out.

        Raises:
            NotFound: one of them is not there.
            Refused: they are not one list, or this way of asking does not count here. Nothing was stored.
        """
        await self._ledger.outbounds.expire()
        records = await self._approvals.answer_list(ids, answer)
        return [receipt(await self._dispatcher.dispatch(record.id)) for record in records]

    async def decided(self, limit: int = 50) -> list[tuple[Question, Receipt]]:
        """The newest outbounds that wait no more, whole, for the page's history."""
        page = await self._ledger.outbounds.page(limit)
        ended = [record for record in page.records if record.status is not Status.AWAITING_APPROVAL]
        return [(self._approvals.question(record), receipt(record, redact=False)) for record in ended if record.content]

    async def scheduled(self) -> list[Question]:
        """Everything that has its yes and waits for its time, whole, the next one first."""
        await self._ledger.outbounds.expire()
        waiting = await self._ledger.outbounds.under_way({Status.SCHEDULED})
        return sorted(map(self._approvals.question, waiting), key=lambda question: question.send_at or 0.0)

    async def doubtful(self) -> list[tuple[Question, Receipt]]:
        """Everything of which nobody knows whether it went out, whole, oldest first: a person can find out and say."""
        unknown = await self._ledger.outbounds.under_way({Status.UNKNOWN})
        return [
            (self._approvals.question(record), receipt(record, redact=False)) for record in unknown if record.content
        ]

    async def resolve(self, outbound_id: str, *, sent: bool) -> Receipt:
        """Store what a person found out about a doubtful outbound. Nothing is sent by this.

        Raises:
            NotFound: there is no such outbound.
            Refused: it is not in doubt, or no longer.
        """
        move, doubtful = self._ledger.outbounds.move, {Status.UNKNOWN}
        if sent:
            moved = await move(outbound_id, doubtful, Status.SENT, reason="person_says_sent")
        else:
            moved = await move(outbound_id, doubtful, Status.FAILED, reason="person_says_not_sent")
        if moved is None:
            record = await self._ledger.outbounds.get(outbound_id)
            raise Refused("not_in_doubt", f"There is no doubt about it: it is {record.status}.", hint="See its status.")
        return receipt(moved)

    async def forget(self, number: str) -> Forgotten:
        """Erase a person: their number and every text to and from it, at once. What waits for them is cancelled.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.erasure.forget(parse_number(number))

    async def received(self, limit: int = 50) -> list[Received]:
        """The newest texts that people sent to the agent's line, whole."""
        page = await self._ledger.inbox.page(limit)
        return list(page)

    async def allow(
        self,
        number: str,
        channel: Channel,
        *,
        level: Level,
        via: str,
        seconds: float,
        count: int,
        plain: bool = True,
    ) -> str:
        """Allow a recipient beforehand on the carrier that moves this channel; returns the allowance's id.

        With `plain` only short texts (480 characters, calls 1,200) without web addresses are covered; others are asked
        about as ever.

        Raises:
            InvalidNumber: the number cannot be read.
            Refused: the number is of a kind that nothing is ever sent to, or no carrier here moves this channel.
        """
        parsed = parse_number(number)
        carrier = self._carriers.route(channel)
        if carrier is None:
            raise Refused("no_capability", f"No carrier here moves {channel}.", hint="See: ringback check")
        wish = Outbound(Channel.SMS, parsed, carrier.name, "-")
        objection = destination(Facts(wish, await self._lines.current(carrier), consented=True))
        if isinstance(objection, Refuse):
            raise Refused(objection.rule, objection.message, hint=objection.hint)
        chars = PLAIN_CHARS[channel] if plain else PROMPT_LIMIT
        grant = Grant(channel, carrier.name, seconds, count, chars, links=not plain)
        return await self._ledger.consents.allow(parsed, grant, level=level, via=via)

    async def allowances(self) -> list[Allowance]:
        """The allowances in force, with whole numbers."""
        return await self._ledger.consents.allowances()

    async def revoke(self, allowance_id: str) -> bool:
        """End an allowance at once; whether there was one."""
        return await self._ledger.consents.revoke(allowance_id)
