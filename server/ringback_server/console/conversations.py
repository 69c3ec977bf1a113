"""Conversations: a person reads both directions, takes one over, writes by hand, and gives it back."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from ringback.conversations import number_in
from ringback.errors import IdempotencyConflict, InvalidRequest, NotFound, Refused
from ringback.ledger.records import Level
from ringback.model.outbound import TEXT_LIMIT, Channel
from ringback.model.status import Status
from ringback_server.console.speech import conversation_view, entry_view, person_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from ringback.conversations import Conversation, TakenOver
    from ringback.ledger.records import OptOut
    from ringback.receipts import Receipt
    from ringback_server.console.gate import Gate, Parts, Visit

CONTACT: Final = re.compile(r"ct_[a-z2-7]{16}", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_MOST: Final = 100
_SHOWN: Final = 100
_NOT_SENT: Final = {
    Status.DECLINED: "You said no to the same text a moment ago, and a no stays a no for ten minutes.",
    Status.CANCELLED: "It was cancelled.",
    Status.EXPIRED: "Its time was up.",
    Status.FAILED: "The carrier did not take it. Nothing reached them.",
    Status.REFUSED: "A rule stopped it. Nothing was sent.",
    Status.UNKNOWN: "It may or may not have gone out: the carrier's answer was lost. Do not just write it again.",
}


class Talks:
    """The conversations of one console."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._person = parts.opened.person
        self._conversations = parts.opened.person.conversations

    async def show_all(self, visit: Visit) -> Response:
        """Everybody with whom there was traffic lately; whom a person has taken over stands first."""
        entries = [conversation_view(one) for one in await self._conversations.lately(_MOST)]
        return self._gate.render("conversations.html", visit, entries=entries, most=_MOST)

    async def show(self, visit: Visit) -> Response:
        """One conversation, whole, oldest entry first."""
        return await self._show(visit, await self._find(visit))

    async def _show(
        self, visit: Visit, conversation: Conversation, *, text: str = "", problem: str = "", status: int = 200
    ) -> Response:
        number = conversation.number.e164
        newest = await self._conversations.of(number, _SHOWN + 1)
        entries = [entry_view(entry) for entry in reversed(newest[:_SHOWN]) if number_in(entry) is not None]
        carrier, least = self._parts.opened.carriers.route(Channel.SMS), self._person.least
        return self._gate.render(
            "conversation.html",
            visit,
            status,
            person={**person_view(conversation.number), "contact": conversation.contact},
            takeover=conversation.takeover,
            opted_out=await self._opted_out(conversation),
            waiting=await self._conversations.waiting(number),
            entries=entries,
            more=len(newest) > _SHOWN,
            most=_SHOWN,
            carrier=None if carrier is None else {"name": carrier.name, "live": carrier.live},
            needs_passkey=least is Level.A3,
            nonce=secrets.token_urlsafe(16),
            text=text,
            problem=problem,
            limit=TEXT_LIMIT,
        )

    async def _opted_out(self, conversation: Conversation) -> OptOut | None:
        """What they, or a person for them, said of it, where they want no more."""
        if not await self._parts.opened.ledger.opt_outs.stands(conversation.number):
            return None
        standing = await self._person.opt_outs.standing()
        return next((opt_out for opt_out in standing if opt_out.contact == conversation.contact), None)

    async def take_over(self, visit: Visit) -> Response:
        """Silence the agent towards this person. A second press changes nothing."""
        conversation = await self._find(visit)
        if conversation.takeover is None:
            taken = await self._conversations.take_over(conversation.number.e164, via="page")
            visit.session.notes.append(_taken(taken))
            self._parts.watch.tell()
        else:
            visit.session.notes.append("It was taken over before. The agent stays silent.")
        return self._back(conversation)

    async def give_back(self, visit: Visit) -> Response:
        """Let the agent speak again."""
        conversation = await self._find(visit)
        ended = await self._conversations.give_back(conversation.number.e164)
        visit.session.notes.append(
            "Given back. The agent may write again; what was cancelled stays cancelled."
            if ended
            else "It had been given back before."
        )
        self._parts.watch.tell()
        return RedirectResponse("/conversations", 303) if conversation.newest is None else self._back(conversation)

    async def write(self, visit: Visit) -> Response:
        """Send what a person wrote by hand, once for each form; where a passkey is needed, put the question."""
        conversation = await self._find(visit)
        nonce = visit.form.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            raise HTTPException(400, "This form is not one that the console gave you. Nothing was sent.")
        # Browsers send a line break of a text box as two characters.
        text = visit.form.get("text", "").replace("\r\n", "\n")
        number, key = conversation.number.e164, f"by-hand:{nonce}"
        try:
            if self._person.least is Level.A3:
                stored = await self._conversations.put(number, text, key=key)
                self._parts.watch.tell()
                return RedirectResponse(f"/outbounds/{stored.id}", 303)
            receipt = await self._conversations.write(number, text, level=Level.A2, via="page", key=key)
        except (InvalidRequest, Refused) as error:
            status = 409 if isinstance(error, Refused) else 422
            problem = f"{error.message} {error.hint} Nothing was sent."
            return await self._show(visit, conversation, text=text, problem=problem, status=status)
        except IdempotencyConflict:
            problem = "Another text was sent from this very form before. Look whether you still want to send this one."
            return await self._show(visit, conversation, text=text, problem=problem, status=409)
        self._parts.watch.tell()
        visit.session.notes.append(_written(receipt))
        return self._back(conversation)

    async def _find(self, visit: Visit) -> Conversation:
        """The conversation of the reference in the path.

        Raises:
            NotFound: there is none.
        """
        contact = visit.request.path_params["contact"]
        if not CONTACT.fullmatch(contact):
            raise NotFound("There is no such conversation.", hint="See the list of conversations.")
        return await self._conversations.find(contact)

    def _back(self, conversation: Conversation) -> Response:
        return RedirectResponse(f"/conversations/{conversation.contact}", 303)


def _taken(taken: TakenOver) -> str:
    cancelled = {0: "Nothing of it waited.", 1: "One that waited was cancelled."}
    words = f"Taken over. The agent is silent towards them. {cancelled.get(taken.cancelled, '')}".strip()
    if taken.cancelled > 1:
        words = f"{words} {taken.cancelled} that waited were cancelled."
    if taken.on_their_way:
        words = f"{words} {taken.on_their_way} are still being handed to the carrier: those cannot be called back."
    return words


def _written(receipt: Receipt) -> str:
    trouble = _NOT_SENT.get(Status(receipt.status))
    return trouble or "Sent by hand. What becomes of it is told beside it."
