"""What a person does here. Each of these was posted from the console's own page, by a session, with its token."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ringback.approvals import Answer
from ringback.errors import InvalidNumber, NotFound, Refused, RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback_server.console.forms import whole_number
from ringback_server.console.pages import VERDICTS
from ringback_server.console.views import shown, verdict_shown

if TYPE_CHECKING:
    from ringback.questions import Question
    from ringback.receipts import Receipt
    from ringback_server.console.gate import Gate, Parts, Visit
    from ringback_server.console.pages import Pages
    from ringback_server.console.passkeys import Passkeys

ID: Final = re.compile(r"[a-z]{2}_[a-z2-7]{24}", re.ASCII)
MOST_DAYS: Final = 365
MOST_COUNT: Final = 1000
_DAY_S: Final = 86_400.0
_PATIENCE_S: Final = 3.0
_CHOICES: Final = {"once": Choice.ONCE, "day": Choice.DAY, "no": Choice.NO}
_LATE: Final = "It was answered before, or its time was up. What you chose changed nothing."
_NOT_SCHEDULED: Final = "It was not scheduled any more. What you chose changed nothing."
_NO_DOUBT: Final = "There was no doubt about it any more. What you chose changed nothing."
_STALE: Final = "It was asked anew elsewhere before your passkey signed. Nothing was done: answer it again."
_log = logging.getLogger(__name__)


class Actions:
    """The actions of one console."""

    def __init__(self, parts: Parts, gate: Gate, pages: Pages, passkeys: Passkeys) -> None:
        self._parts = parts
        self._gate = gate
        self._pages = pages
        self._passkeys = passkeys
        self._person = parts.opened.person
        self._running: set[asyncio.Task[Receipt]] = set()

    async def answer(self, visit: Visit) -> Response:
        """Store a person's yes or no to one outbound; a yes sends it."""
        outbound_id, choice = _id(visit.form), _choice(visit.form)
        there = f"/outbounds/{outbound_id}"
        try:
            question = await self._person.question(outbound_id)
        except NotFound:
            await self._status(outbound_id)
            visit.session.notes.append(_LATE)
            return RedirectResponse(there, 303)
        self._check_question(question, visit.form.get("shown", ""), choice)
        answer = Answer(choice, Level.A2, "page")
        if choice is not Choice.NO and "credential" in visit.form:
            answer = await self._passkeys.approval(visit, outbound_id, choice)
        receipt = await self._carry_out(outbound_id, answer)
        if receipt is not None and receipt.status == Status.AWAITING_APPROVAL:
            visit.session.notes.append(_STALE)
        elif receipt is not None and _contradicts(receipt, choice):
            visit.session.notes.append(_LATE)
        return RedirectResponse(there, 303)

    async def challenge(self, visit: Visit) -> Response:
        """What a passkey must sign for a yes to one outbound, as it was shown."""
        outbound_id, choice = _id(visit.form), _choice(visit.form)
        self._check_question(await self._person.question(outbound_id), visit.form.get("shown", ""), choice)
        return await self._passkeys.ask_approval(visit, outbound_id, choice)

    def _check_question(self, question: Question, seen: str, choice: Choice) -> None:
        """What is approved is what was shown, and can be sent from here. A no needs neither."""
        if choice is Choice.NO:
            return
        if not hmac.compare_digest(seen.encode(), shown(question).encode()):
            raise HTTPException(409, "What is stored is not what you were shown. Nothing was done; look at it again.")
        if self._parts.opened.carriers.get(question.carrier) is None:
            raise HTTPException(409, f"This waits for the carrier {question.carrier}, which this console does not use.")

    async def cancel(self, visit: Visit) -> Response:
        """Take back a scheduled one. A second press, and one that comes too late, change nothing."""
        outbound_id = _id(visit.form)
        status = await self._status(outbound_id)
        if status is Status.SCHEDULED:
            try:
                await self._parts.opened.telephone.cancel(outbound_id)
            except Refused:  # it went out this very moment
                status = await self._status(outbound_id)
            else:
                self._parts.watch.tell()
                visit.session.notes.append("Cancelled. It does not go out.")
                return RedirectResponse("/scheduled", 303)
        if status is not Status.CANCELLED:
            visit.session.notes.append(_NOT_SCHEDULED)
        return RedirectResponse(f"/outbounds/{outbound_id}", 303)

    async def resolve(self, visit: Visit) -> Response:
        """Store what a person found out about a doubtful one, once they confirmed it. Nothing is sent by this."""
        outbound_id, sent = _id(visit.form), VERDICTS.get(visit.form.get("verdict", ""))
        if sent is None:
            raise HTTPException(400, "There is no such verdict. Nothing was done.")
        entry = await self._pages.doubt(outbound_id)
        if entry is not None:
            if not hmac.compare_digest(
                visit.form.get("seen", "").encode(), verdict_shown(entry[0], sent=sent).encode()
            ):
                raise HTTPException(409, "That is not what you were asked to confirm. Nothing was done; look again.")
            try:
                await self._person.resolve(outbound_id, sent=sent)
            except Refused:  # the carrier's own list, or somebody else, resolved it this very moment
                entry = None
        if entry is None:
            await self._status(outbound_id)
            visit.session.notes.append(_NO_DOUBT)
        else:
            self._parts.watch.tell()
            visit.session.notes.append("Stored as you said. Nothing was sent by it.")
        return RedirectResponse(f"/outbounds/{outbound_id}", 303)

    async def _status(self, outbound_id: str) -> Status:
        """How it stands in the ledger.

        Raises:
            NotFound: there is none of this id.
        """
        return (await self._parts.opened.ledger.outbounds.get(outbound_id)).status

    async def _carry_out(self, outbound_id: str, answer: Answer) -> Receipt | None:
        """The receipt, or `None` while it is still on its way out: the page then follows it."""
        task = asyncio.create_task(self._person.answer(outbound_id, answer))
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE_S)
        self._parts.watch.tell()
        return task.result() if done else None

    def _ended(self, task: asyncio.Task[Receipt]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = error.reason if isinstance(error, RingbackError) else type(error).__name__
            _log.warning("an answer was not carried out: %s", reason)

    async def finish(self) -> None:
        """Wait for the answers under way."""
        if self._running:
            await asyncio.wait(self._running)

    async def allow(self, visit: Visit) -> Response:
        """Allow a recipient beforehand."""
        form = visit.form
        days, count = whole_number(form.get("days", ""), MOST_DAYS), whole_number(form.get("count", ""), MOST_COUNT)
        if form.get("channel") not in set(Channel):
            return await self._pages.show_allowed(visit, form, "Choose what is allowed.", 422)
        if days is None or count is None:
            problem = f"Give 1 to {MOST_DAYS} days and 1 to {MOST_COUNT} times."
            return await self._pages.show_allowed(visit, form, problem, 422)
        try:
            await self._person.allow(
                form.get("number", "").strip(),
                Channel(form["channel"]),
                level=Level.A2,
                via="page",
                seconds=days * _DAY_S,
                count=count,
                plain=form.get("anything") != "yes",
            )
        except InvalidNumber as error:
            # Whoever sits here typed the number: it may be said whole.
            hint = f"Did you mean {error.suggestion}?" if error.suggestion else error.hint
            return await self._pages.show_allowed(visit, form, f"{error.message} {hint}", 422)
        visit.session.notes.append("Allowed. It is the first in the list.")
        return RedirectResponse("/allowed", 303)

    async def revoke(self, visit: Visit) -> Response:
        """Take an allowance back."""
        ended = await self._person.revoke(_id(visit.form))
        visit.session.notes.append("Taken back." if ended else "That one had ended before.")
        return RedirectResponse("/allowed", 303)

    async def sign_in(self, visit: Visit) -> Response:
        """Check the passphrase, one try at a time, and begin a new session."""
        try:
            mark = await self._gate.check_passphrase(visit.form.get("passphrase", ""))
        except HTTPException as error:
            response = self._refused(visit, error.detail, error.status_code)
            response.headers.update(error.headers or {})
            return response
        if mark is None:
            return self._refused(visit, "That is not the passphrase.", 403)
        session = self._parts.sessions.begin(mark, instead_of=visit.session)
        response = RedirectResponse(visit.session.wanted, 303)
        self._parts.sessions.give(response, visit.request, session)
        return response

    def _refused(self, visit: Visit, problem: str, status: int) -> Response:
        return self._pages.show_sign_in(visit.request, visit.session, problem, status)

    async def sign_out(self, visit: Visit) -> Response:
        """End the session."""
        self._parts.sessions.end(visit.session)
        return RedirectResponse("/sign-in", 303)


def _id(form: dict[str, str]) -> str:
    given = form.get("id", "")
    if not ID.fullmatch(given):
        raise HTTPException(404, "There is no such entry. Nothing was done.")
    return given


def _choice(form: dict[str, str]) -> Choice:
    choice = _CHOICES.get(form.get("choice", ""))
    if choice is None:
        raise HTTPException(400, "There is no such answer. Nothing was done.")
    return choice


def _contradicts(receipt: Receipt, choice: Choice) -> bool:
    """Whether somebody else's answer was there first."""
    said_no = Status(receipt.status) in {Status.DECLINED, Status.CANCELLED, Status.EXPIRED}
    return said_no is not (choice is Choice.NO)
