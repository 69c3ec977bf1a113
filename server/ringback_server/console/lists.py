"""The same text to many people: one card, one answer to all of them, and to nobody who was not shown."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ringback.approvals import LONGEST_LIST, Answer
from ringback.errors import NotFound, RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.limits import tell_money
from ringback.model.status import Status
from ringback_server.console.views import question_view, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback.questions import Question
    from ringback.receipts import Receipt
    from ringback_server.console.gate import Gate, Parts, Visit
    from ringback_server.console.passkeys import Passkeys

SEEN_AT_ONCE: Final = 10
"""So many recipients stand open on the card; the others are on the page, behind one press."""
_ID: Final = re.compile(r"ob_[a-z2-7]{24}", re.ASCII)
_PATIENCE_S: Final = 3.0
_CHOICES: Final = {"all": Choice.ONCE, "none": Choice.NO}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that waits with the same words for one answer, oldest first."""

    questions: tuple[Question, ...]
    prices: tuple[int | None, ...]
    """What each costs, in millionths; `None` where that is not known."""
    beyond: int
    """How many more wait that do not fit into one list."""

    @property
    def id(self) -> str:
        """By which of them the list is named."""
        return self.questions[0].id

    @property
    def ids(self) -> list[str]:
        """All of it."""
        return [question.id for question in self.questions]


class Lists:
    """The lists that wait at one console."""

    def __init__(self, parts: Parts, gate: Gate, passkeys: Passkeys) -> None:
        self._parts = parts
        self._gate = gate
        self._passkeys = passkeys
        self._person = parts.opened.person
        self._running: set[asyncio.Task[list[Receipt]]] = set()

    async def gather(self, questions: Sequence[Question]) -> list[Question | Gathered]:
        """What waits, with the members of a list as one, at the place of the first of them."""
        waiting = {question.id: question for question in questions}
        items: list[Question | Gathered] = []
        placed: set[str] = set()
        full: dict[str, int] = {}
        """The texts of lists to which no more is added, and where in `items` they are."""
        for question in questions:
            if question.id in placed:
                continue
            if not question.bulk:
                items.append(question)
                continue
            if question.text not in full:
                found = await self._gathered(question.id, waiting)
                placed.update(found.ids)
                items.append(found)
                if len(found.ids) >= LONGEST_LIST:
                    full[question.text] = len(items) - 1
            if question.id not in placed:
                at = full.get(question.text, len(items) - 1)
                first = items[at]
                if isinstance(first, Gathered):
                    items[at] = Gathered(first.questions, first.prices, first.beyond + 1)
        return items

    async def _gathered(self, outbound_id: str, waiting: dict[str, Question]) -> Gathered:
        records = await self._parts.opened.ledger.outbounds.same_words(outbound_id, LONGEST_LIST)
        members = [(waiting[record.id], record.price) for record in records if record.id in waiting]
        if not members:  # it was answered this very moment
            members = [(waiting[outbound_id], None)]
        return Gathered(tuple(one for one, _ in members), tuple(price for _, price in members), 0)

    async def find(self, outbound_id: str) -> Gathered | None:
        """The list that one belongs to, as it waits now."""
        try:
            listed = await self._person.listed(outbound_id)
        except NotFound:
            return None
        return await self._gathered(listed[0].id, {question.id: question for question in listed}) if listed else None

    async def view(self, found: Gathered, known: set[str] | None = None) -> dict[str, Any]:
        """A list for its card; with `known` those that are not in it stand as new."""
        carriers = self._parts.opened.carriers
        views = [question_view(question, carriers=carriers) for question in found.questions]
        for view in views:
            view["fresh"] = known is not None and view["id"] not in known
        texts: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for view in views:
            texts.setdefault((view["text"], view["channel"], view["carrier"]), []).append(view)
        live, elsewhere = any(view["live"] for view in views), any(view["elsewhere"] for view in views)
        return {
            "id": found.id,
            "ids": " ".join(found.ids),
            "shown": digest(found),
            "count": len(views),
            "beyond": found.beyond,
            "texts": [{"first": views[0], "entries": views} for views in texts.values()],
            "countries": _countries(views),
            "segments": sum(question.segments.count for question in found.questions if question.segments),
            "cost": await self._cost(found),
            "live": live,
            "elsewhere": elsewhere,
            "carriers": ", ".join(sorted({view["carrier"] for view in views})),
            "asked_by": sorted({view["asked_by"] for view in views}),
            "asked_at": views[0]["asked_at"],
            "expires_at": min(view["expires_at"] for view in views),
            "at_once": SEEN_AT_ONCE,
            "fresh": sum(view["fresh"] for view in views),
            "gone": 0 if known is None else len(known - {view["id"] for view in views}),
        }

    async def _cost(self, found: Gathered) -> str:
        priced = [price for price in found.prices if price is not None]
        unknown = len(found.prices) - len(priced)
        if not priced:
            return "unknown"
        currency = (await self._person.overview.standing(1)).currency
        words = f"about {tell_money(sum(priced), currency)}"
        return words if not unknown else f"{words}, and {unknown} of unknown price"

    async def show(self, visit: Visit) -> Response:
        """One list, to be answered; where none waits any more, what became of the one it is named by."""
        wanted = visit.request.path_params["id"]
        found = await self.find(wanted) if _ID.fullmatch(wanted) else None
        if found is None:
            await self._parts.opened.ledger.outbounds.get(wanted)
            return RedirectResponse(f"/outbounds/{wanted}", 303)
        return await self._show(visit, found)

    async def _show(self, visit: Visit, found: Gathered, known: set[str] | None = None, status: int = 200) -> Response:
        passkey, view = await self._passkeys.view(visit.request), await self.view(found, known)
        return self._gate.render("list.html", visit, status, bulk=view, passkey=passkey, changed=known is not None)

    async def answer(self, visit: Visit) -> Response:
        """Store a person's yes or no to all that they were shown; a yes sends them."""
        ids, choice = _ids(visit), _choice(visit)
        if choice is not Choice.NO:
            found = await self._unchanged(visit, ids)
            if found is None:
                return await self._shown_again(visit, ids)
        answer = Answer(choice, Level.A2, "page")
        if choice is not Choice.NO and "credential" in visit.form:
            answer = await self._passkeys.list_approval(visit, ids, choice)
        receipts = await self._carry_out(ids, answer)
        visit.session.notes.append(_told(receipts, len(ids), choice))
        return RedirectResponse("/history", 303)

    async def challenge(self, visit: Visit) -> Response:
        """What a passkey must sign for a yes to a whole list, as it was shown."""
        ids, choice = _ids(visit), _choice(visit)
        if choice is Choice.NO or await self._unchanged(visit, ids) is None:
            raise HTTPException(409, "The list is not what you were shown. Nothing was done; load it again.")
        return await self._passkeys.ask_list_approval(visit, ids, choice)

    async def _unchanged(self, visit: Visit, ids: list[str]) -> Gathered | None:
        """The list, if it is exactly what was shown.

        Raises:
            HTTPException: 409, it cannot be sent from here.
        """
        found = await self.find(ids[0])
        seen = visit.form.get("shown", "").encode()
        if found is None or found.ids != ids or not hmac.compare_digest(seen, digest(found).encode()):
            return None
        carriers = self._parts.opened.carriers
        for question in found.questions:
            if carriers.get(question.carrier) is None:
                raise HTTPException(
                    409, f"This waits for the carrier {question.carrier}, which this console does not use."
                )
        return found

    async def _shown_again(self, visit: Visit, ids: list[str]) -> Response:
        """The list as it is now, with what is new in it; where nothing of it waits, what became of it."""
        for one in ids:
            found = await self.find(one)
            if found is not None:
                return await self._show(visit, found, set(ids), 409)
        visit.session.notes.append("The list was answered before, or its time was up. Nothing was done.")
        return RedirectResponse("/history", 303)

    async def _carry_out(self, ids: list[str], answer: Answer) -> list[Receipt] | None:
        """The receipts, or `None` while they are still on their way out."""
        task = asyncio.create_task(self._person.answer_list(ids, answer))
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE_S)
        self._parts.watch.tell()
        return task.result() if done else None

    def _ended(self, task: asyncio.Task[list[Receipt]]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = error.reason if isinstance(error, RingbackError) else type(error).__name__
            _log.warning("an answer to a list was not carried out: %s", reason)

    async def finish(self) -> None:
        """Wait for the answers under way."""
        if self._running:
            await asyncio.wait(self._running)


def digest(found: Gathered) -> str:
    """A digest over everything that is shown of a list; its form carries it back with the answer."""
    return hashlib.sha256("\n".join(map(shown, found.questions)).encode()).hexdigest()


def _countries(views: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counted = Counter(view["country"][:1].upper() + view["country"][1:] for view in views)
    return counted.most_common()


def _ids(visit: Visit) -> list[str]:
    """The members that were shown, in the order in which they were: the one in the path is the first of them.

    Raises:
        HTTPException: 404, they are none.
    """
    ids = visit.form.get("ids", "").split(" ")
    wanted = visit.request.path_params["id"]
    is_list = len(ids) <= LONGEST_LIST and len(set(ids)) == len(ids) and all(map(_ID.fullmatch, ids))
    if not is_list or ids[0] != wanted:
        raise HTTPException(404, "There is no such list. Nothing was done.")
    return ids


def _choice(visit: Visit) -> Choice:
    choice = _CHOICES.get(visit.form.get("choice", ""))
    if choice is None:
        raise HTTPException(400, "There is no such answer. Nothing was done.")
    return choice


def _told(receipts: list[Receipt] | None, count: int, choice: Choice) -> str:
    if receipts is None:
        return f"All {count} have your answer. They leave one after the other; this page follows them."
    declined = [receipt for receipt in receipts if receipt.status == Status.DECLINED]
    if choice is Choice.NO:
        return f"Declined: none of the {len(declined)} goes out." + _late(count - len(declined))
    refused = {Status.REFUSED, Status.DECLINED, Status.CANCELLED, Status.EXPIRED}
    stopped = [receipt for receipt in receipts if Status(receipt.status) in refused]
    return f"Approved: {count - len(stopped)} of {count}. What became of each is told here."


def _late(count: int) -> str:
    return "" if not count else f" {count} had been answered before, or their time was up: those stay as they were."
