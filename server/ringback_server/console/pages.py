"""What is shown. Nothing here changes anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ringback.errors import NotFound
from ringback.model.outbound import Channel
from ringback_server.console.gate import Access, Gate, Parts, Visit
from ringback_server.console.views import CHANNELS, allowance_view, line_view, outcome_view, question_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from ringback.approvals import Question
    from ringback.receipts import Receipt
    from ringback_server.console.passkeys import Passkeys
    from ringback_server.console.sessions import Session

_HISTORY: Final = 100
_PING_S: Final = 15
NO_ALLOWANCE: Final[dict[str, str]] = {"number": "", "channel": "sms", "days": "1", "count": "20", "anything": ""}


class Pages:
    """The pages of one console."""

    def __init__(self, parts: Parts, gate: Gate, passkeys: Passkeys) -> None:
        self._parts = parts
        self._gate = gate
        self._passkeys = passkeys
        self._person = parts.opened.person

    async def waiting(self, visit: Visit) -> Response:
        """Everything that waits for an answer, whole."""
        carrier = self._parts.opened.carrier_name
        questions = [question_view(question, carrier=carrier) for question in await self._person.waiting()]
        values: dict[str, Any] = {"questions": questions, "count": len(questions), "line": await self._line()}
        return self._gate.render("waiting.html", visit, passkey=await self._passkeys.view(visit.request), **values)

    async def outbound(self, visit: Visit) -> Response:
        """One outbound: to answer, or what became of it."""
        wanted, carrier = visit.request.path_params["id"], self._parts.opened.carrier_name
        passkey = await self._passkeys.view(visit.request)
        try:
            question = question_view(await self._person.question(wanted), carrier=carrier)
            return self._gate.render("outbound.html", visit, question=question, outcome=None, passkey=passkey)
        except NotFound:
            entry = await self.decided(wanted)
        if entry is None:
            raise HTTPException(404, "There is no such request among the newest ones.")
        question, outcome = question_view(entry[0], carrier=carrier), outcome_view(entry[1])
        return self._gate.render("outbound.html", visit, question=question, outcome=outcome, passkey=passkey)

    async def decided(self, outbound_id: str) -> tuple[Question, Receipt] | None:
        """One of the newest outbounds that wait no more."""
        decided = await self._person.decided(_HISTORY)
        return next((entry for entry in decided if entry[1].id == outbound_id), None)

    async def history(self, visit: Visit) -> Response:
        """What was decided, newest first."""
        carrier = self._parts.opened.carrier_name
        entries = [
            {**question_view(question, carrier=carrier), **outcome_view(receipt)}
            for question, receipt in await self._person.decided(_HISTORY)
        ]
        return self._gate.render("history.html", visit, entries=entries)

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
            carrier=self._parts.opened.carrier_name,
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
        return EventSourceResponse(self._stream(session), ping=_PING_S)

    async def _stream(self, session: Session) -> AsyncIterator[dict[str, Any]]:
        yield {"event": "ready", "data": ""}
        async for changed in self._parts.watch.changes():
            stays = self._parts.sessions.is_alive(session)
            if not stays or self._gate.access(session) not in {Access.OPEN, Access.SIGNED_IN}:
                yield {"event": "ended", "data": ""}
                return
            if changed:
                yield {"event": "changed", "data": ""}

    async def health(self, request: Request) -> Response:
        """Tells another process that the console is up."""
        del request
        return JSONResponse({"service": "ringback-console", "pid": os.getpid()})

    async def _line(self) -> dict[str, Any]:
        opened = self._parts.opened
        return line_view(await self._parts.watch.line(), carrier=opened.carrier_name, live=opened.live)
