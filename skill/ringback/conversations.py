"""A person takes a conversation over, writes by hand, and gives it back.

While it is theirs, nothing of the agent's goes to that person: what waits is cancelled, what is new is refused, and the
fence itself looks for the takeover. What a person writes by hand passes every other rule, and skips the ones that are
there for machines: who wrote it knows whom they write to and when.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.approvals import Answer
from ringback.errors import NotFound, Refused
from ringback.guards import Refuse, decide
from ringback.ledger.records import Choice, Record
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Outbound
from ringback.receipts import Receipt, receipt

if TYPE_CHECKING:
    from ringback.ledger.records import Level, Received, Takeover
    from ringback.model.numbers import PhoneNumber
    from ringback.parts import Parts

LONGEST_WAIT_S: Final = 60.0
"""How long a takeover waits for what is being handed to the carrier at that moment."""
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A takeover as it was answered."""

    takeover: Takeover
    cancelled: int
    """How many of the agent's waiting and scheduled ones were cancelled."""
    on_their_way: int
    """How many were being handed over and have not ended yet; 0 as a rule."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person with whom there was traffic, or whose conversation a person has taken over."""

    contact: str
    number: PhoneNumber
    newest: Record | Received | None
    """The newest entry of both directions; `None` where there is none."""
    takeover: Takeover | None


class Conversations:
    """The person's side of conversations; only a face that stands before a person may hold one."""

    def __init__(self, parts: Parts) -> None:
        self._carriers = parts.carriers
        self._ledger = parts.ledger
        self._approvals = parts.approvals
        self._dispatcher = parts.dispatcher
        self._rules = parts.rules
        self._clock = parts.clock

    async def take_over(self, number: str, *, via: str) -> TakenOver:
        """Silence the agent towards this person. Nothing of the agent's goes out to them after this returned.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        to = parse_number(number)
        takeover, cancelled = await self._ledger.takeovers.begin(to, via=via)
        deadline = self._clock.now().timestamp() + LONGEST_WAIT_S
        while left := await self._ledger.takeovers.on_their_way(to):
            if self._clock.now().timestamp() >= deadline:
                break
            await self._clock.sleep(_LOOK_S)
        return TakenOver(takeover, cancelled, left)

    async def give_back(self, number: str) -> bool:
        """Let the agent speak to this person again; whether it was silenced. What was cancelled stays so.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.takeovers.end(parse_number(number))

    async def standing(self) -> list[Takeover]:
        """The conversations that a person has taken over, newest first, with whole numbers."""
        return await self._ledger.takeovers.standing()

    async def lately(self, limit: int = 100) -> list[Conversation]:
        """Those that a person has taken over, then the others, each newest first; short codes and names are none."""
        newest = {entry.contact: entry for entry in await self._ledger.inbox.newest_of_each(limit)}
        taken = {takeover.contact: takeover for takeover in await self.standing()}
        found = [Conversation(contact, its.number, newest.get(contact), its) for contact, its in taken.items()]
        for contact, entry in newest.items():
            number = number_in(entry)
            if number is not None and contact not in taken:
                found.append(Conversation(contact, number, entry, None))
        return found

    async def find(self, contact: str) -> Conversation:
        """A conversation by the person's reference.

        Raises:
            NotFound: there is none such, it was erased, or it is with a short code or a name.
        """
        takeover = next((its for its in await self.standing() if its.contact == contact), None)
        entries = await self._ledger.inbox.with_contact(contact, 1) if contact else []
        number = takeover.number if takeover else number_in(entries[0]) if entries else None
        if number is None:
            raise NotFound("There is no such conversation, or it was erased.", hint="See the list of conversations.")
        return Conversation(contact, number, entries[0] if entries else None, takeover)

    async def waiting(self, number: str) -> int:
        """How many of the agent's waiting and scheduled ones a takeover would cancel now.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.takeovers.waiting(parse_number(number))

    async def of(self, number: str, limit: int = 50) -> list[Record | Received]:
        """The newest of both directions with one person, whole, newest first.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.inbox.conversation(parse_number(number), limit)

    async def write(
        self, number: str, text: str, *, level: Level, via: str, digits: str | None = None, key: str | None = None
    ) -> Receipt:
        """Send what a person wrote by hand, at once. It is their own yes to it.

        Args:
            number: the recipient in E.164 form; a person must have taken over the conversation.
            text: the text.
            level: how surely a person stands there.
            via: by what: `page`, `terminal`.
            digits: the number's last digits as typed; the page may leave them out.
            key: what is written twice under one key goes out once.

        Raises:
            InvalidRequest: number or text cannot be read.
            Refused: nobody has taken over, a rule stands in the way, or this way of answering does not count here.
            IdempotencyConflict: the key belongs to something else.
        """
        record = await self._store(number, text, key)
        answered = await self._approvals.answer(record.id, Answer(Choice.ONCE, level, via, digits))
        return receipt(await self._dispatcher.dispatch(answered.id))

    async def put(self, number: str, text: str, *, key: str | None = None) -> Receipt:
        """Store what a person wrote by hand without sending it: it waits for an answer like any other question.

        Raises:
            InvalidRequest, Refused, IdempotencyConflict: as for `write`.
        """
        return receipt(await self._store(number, text, key))

    async def _store(self, number: str, text: str, key: str | None) -> Record:
        to = parse_number(number)
        carrier = self._carriers.route(Channel.SMS)
        if carrier is None:
            raise Refused("no_capability", "No carrier that is set up here moves sms.", hint="See: ringback check")
        if not await self._ledger.takeovers.stands(to):
            raise Refused("not_taken_over", "Nobody has taken over this conversation.", hint="Take it over first.")
        outbound = Outbound(Channel.SMS, to, carrier.name, text, by_hand=True)
        decision = decide(await self._rules.facts(outbound, carrier, consented=True))
        if isinstance(decision, Refuse):
            raise Refused(decision.rule, decision.message, hint=decision.hint, retry_at=decision.retry_at)
        key = key or secrets.token_urlsafe(16)  # a person may say the same thing twice
        record, _ = await self._ledger.outbounds.add(
            outbound,
            key=key,
            spend=None,
            asked_by="a person, by hand",
            terms=self._rules.stored(outbound, carrier),
        )
        return record


def number_in(entry: Record | Received) -> PhoneNumber | None:
    """The other side's number; `None` where it was erased, or is a short code or a name."""
    if isinstance(entry, Record):
        return None if entry.content is None else entry.content.to
    return entry.number
