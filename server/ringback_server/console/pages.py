"""What is shown. Nothing here changes anything."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ringback.errors import NotFound
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.receipts import receipt as receipt_of
from ringback_server.console.gate import LIVE_HEADER, Access, Gate, Parts, Visit
from ringback_server.console.lists import Gathered
from ringback_server.console.outcomes import CHANNELS, bare_view, doubt_view, lateness, outcome_view
from ringback_server.console.views import allowance_view, line_view, question_view, received_view, verdict_shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from ringback.questions import Question
    from ringback.receipts import Receipt
    from ringback_server.console.lists import Lists
    from ringback_server.console.passkeys import Passkeys
    from ringback_server.console.sessions import Session

_HISTORY: Final = 100
_MOST_SHOWN: Final = 200
VERDICTS: Final = {"sent": True, "unsent": False}
"""What a person may say of a doubtful one, and whether it went out by that."""
_PING_S: Final = 15
NO_ALLOWANCE: Final[dict[str, str]] = {"number": "", "channel": "sms", "days": "1", "count": "20", "anything": ""}


class Pages:
    """The pages of one console."""

    def __init__(self, parts: Parts, gate: Gate, passkeys: Passkeys, lists: Lists) -> None:
        self._parts = parts
        self._gate = gate
        self._passkeys = passkeys
        self._lists = lists
        self._person = parts.opened.person

    async def waiting(self, visit: Visit) -> Response:
        """Everything that waits for an answer, whole; the same text to many people as one list."""
        questions = await self._person.waiting()
        items = [
            {"bulk": await self._lists.view(item), "question": None}
            if isinstance(item, Gathered)
            else {"bulk": None, "question": self._view(item)}
            for item in await self._lists.gather(questions)
        ]
        return self._gate.render(
            "waiting.html",
            visit,
            items=items,
            total=len(questions),
            counts=replace(self._parts.watch.counts, waiting=len(questions)),
            line=await self._line(),
            passkey=await self._passkeys.view(visit.request),
        )

    async def scheduled(self, visit: Visit) -> Response:
        """Everything that has its yes and waits for its time, whole, the next one first."""
        questions = await self._person.scheduled()
        entries = [await self._scheduled_view(question) for question in questions[:_MOST_SHOWN]]
        counts = replace(self._parts.watch.counts, scheduled=len(questions))
        grace_s, more = self._parts.opened.settings.schedule_grace_s, len(questions) - len(entries)
        return self._gate.render("scheduled.html", visit, entries=entries, more=more, counts=counts, grace_s=grace_s)

    async def _scheduled_view(self, question: Question) -> dict[str, Any]:
        opened = self._parts.opened
        receipt = receipt_of(await opened.ledger.outbounds.get(question.id), redact=False)
        now, grace_s = opened.clock.now().timestamp(), opened.settings.schedule_grace_s
        late = lateness(receipt, send_at=question.send_at or now, grace_s=grace_s, now=now)
        return {**self._view(question), "late": late}

    async def doubtful(self, visit: Visit) -> Response:
        """Everything of which nobody knows whether it went out, whole, with what happened."""
        doubtful = await self._person.doubtful()
        entries = [{**self._view(question), **doubt_view(receipt)} for question, receipt in doubtful[:_MOST_SHOWN]]
        counts, more = replace(self._parts.watch.counts, doubtful=len(doubtful)), len(doubtful) - len(entries)
        return self._gate.render("doubtful.html", visit, entries=entries, more=more, counts=counts)

    async def verdict(self, visit: Visit) -> Response:
        """What a person is about to say of a doubtful one, to be confirmed. It changes nothing."""
        wanted, sent = visit.request.path_params["id"], VERDICTS.get(visit.request.path_params["verdict"])
        if sent is None:
            raise HTTPException(404, "There is no such page.")
        entry = await self.doubt(wanted)
        if entry is None:
            if LIVE_HEADER not in visit.request.headers:
                visit.session.notes.append("There is no doubt about it any more.")
            return RedirectResponse(f"/outbounds/{wanted}", 303)
        view = {**self._view(entry[0]), **doubt_view(entry[1])}
        return self._gate.render("verdict.html", visit, entry=view, sent=sent, seen=verdict_shown(entry[0], sent=sent))

    async def doubt(self, outbound_id: str) -> tuple[Question, Receipt] | None:
        """One of those in doubt."""
        doubtful = await self._person.doubtful()
        return next((entry for entry in doubtful if entry[1].id == outbound_id), None)

    async def received(self, visit: Visit) -> Response:
        """What people wrote to the agent's line, newest first."""
        entries = [received_view(received) for received in await self._person.received(_HISTORY)]
        return self._gate.render("received.html", visit, entries=entries, most=_HISTORY, line=await self._line())

    async def outbound(self, visit: Visit) -> Response:
        """One outbound: to answer, or what became of it."""
        wanted = visit.request.path_params["id"]
        passkey = await self._passkeys.view(visit.request)
        try:
            waiting = await self._person.question(wanted)
            listed = len(await self._person.listed(wanted)) if waiting.bulk else 0
            question: dict[str, Any] | None = {**self._view(waiting), "listed": listed}
            return self._gate.render("outbound.html", visit, question=question, outcome=None, passkey=passkey)
        except NotFound:
            receipt = receipt_of(await self._parts.opened.ledger.outbounds.get(wanted), redact=False)
        question = await self._whole(wanted, receipt)
        outcome = outcome_view(receipt) if question else bare_view(receipt)
        return self._gate.render("outbound.html", visit, question=question, outcome=outcome, passkey=passkey)

    async def _whole(self, outbound_id: str, receipt: Receipt) -> dict[str, Any] | None:
        """What was stored; `None` where it was erased, or is too old to be looked for."""
        if receipt.status == Status.SCHEDULED:
            due = next((found for found in await self._person.scheduled() if found.id == outbound_id), None)
            return None if due is None else await self._scheduled_view(due)
        entry = await self.doubt(outbound_id) if receipt.status == Status.UNKNOWN else None
        if entry is None:
            decided = await self._person.decided(_HISTORY)
            entry = next((entry for entry in decided if entry[1].id == outbound_id), None)
        return None if entry is None else self._view(entry[0])

    async def history(self, visit: Visit) -> Response:
        """What was decided, newest first; of what was erased the bare record."""
        whole = {question.id: (question, receipt) for question, receipt in await self._person.decided(_HISTORY)}
        entries = []
        for record in (await self._parts.opened.ledger.outbounds.page(_HISTORY)).records:
            if record.id in whole:
                question, receipt = whole[record.id]
                entries.append({**self._view(question), **outcome_view(receipt)})
            elif record.content is None:
                entries.append(bare_view(receipt_of(record, redact=False)))
        return self._gate.render("history.html", visit, entries=entries)

    def _view(self, question: Question) -> dict[str, Any]:
        return question_view(question, carriers=self._parts.opened.carriers)

    async def allowed(self, visit: Visit) -> Response:
        """Whom a person allowed beforehand."""
        return await self.show_allowed(visit, {})

    async def show_allowed(self, visit: Visit, given: dict[str, str], problem: str = "", status: int = 200) -> Response:
        """The same, with what was typed and what is wrong with it."""
        return self._gate.render(
            "allowed.html",
            visit,
            status,
            allowances=[allowance_view(allowance) for allowance in await self._person.allowances()],
            channels=[(channel.value, CHANNELS[channel]) for channel in Channel],
            given={**NO_ALLOWANCE, **{name: given[name] for name in NO_ALLOWANCE if name in given}},
            problem=problem,
            carrier=self._parts.opened.carriers.names,
            passkey=await self._passkeys.view(visit.request),
        )

    async def line(self, visit: Visit) -> Response:
        """The agent's line."""
        passkey = await self._passkeys.view(visit.request)
        return self._gate.render(
            "line.html", visit, line=await self._line(), least=self._person.least.value, passkey=passkey
        )

    async def sign_in(self, request: Request) -> Response:
        """The form that asks for the passphrase."""
        session = self._gate.find(request)
        access = self._gate.access(session)
        if access is Access.CLOSED:
            return self._gate.closed()
        if access is not Access.SIGN_IN:
            return RedirectResponse("/", 303)
        return self.show_sign_in(request, session)

    def show_sign_in(self, request: Request, session: Session | None, problem: str = "", status: int = 200) -> Response:
        """The same, with what went wrong."""
        fresh = session is None
        session = session or self._parts.sessions.begin()
        response = self._gate.render("sign_in.html", Visit(request, session, {}), status, problem=problem)
        if fresh:
            self._parts.sessions.give(response, request, session)
        return response

    async def events(self, request: Request) -> Response:
        """A stream that says when a page is out of date. It carries nothing else, and does not keep a session alive."""
        session = self._parts.sessions.find(request, touch=False)
        if session is None or self._gate.access(session) not in {Access.OPEN, Access.SIGNED_IN}:
            raise HTTPException(403, "Not signed in.")
        if self._parts.watch.is_full:
            raise HTTPException(503, "Too many pages are open.")
        how = request.url.query
        stream = self._stream(session, near=how == "near", often=how in {"near", "often"})
        return EventSourceResponse(stream, ping=_PING_S)

    async def _stream(self, session: Session, *, near: bool, often: bool) -> AsyncIterator[dict[str, Any]]:
        yield {"event": "ready", "data": ""}
        async for changed in self._parts.watch.changes(near=near):
            stays = self._parts.sessions.is_alive(session)
            if not stays or self._gate.access(session) not in {Access.OPEN, Access.SIGNED_IN}:
                yield {"event": "ended", "data": ""}
                return
            # What was erased, and who opted out in another process, makes no event, and must not stand wrong for long.
            if changed or often:
                yield {"event": "changed", "data": ""}

    async def health(self, request: Request) -> Response:
        """Tells another process that the console is up."""
        del request
        return JSONResponse({"service": "ringback-console", "pid": os.getpid()})

    async def _line(self) -> dict[str, Any]:
        opened = self._parts.opened
        return line_view(await self._parts.watch.line(), carrier=opened.carriers.names, live=opened.carriers.live)
