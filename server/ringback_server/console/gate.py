"""Who may see a page and who may act: the session, the passphrase, the token against forged requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from ringback.errors import ConfigurationError
from ringback_server.console.forms import read_form
from ringback_server.console.moments import duration
from ringback_server.console.passphrase import passphrase_mark, verify_passphrase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response

    from ringback.opening import Ringback
    from ringback_server.console.passphrase import Tries
    from ringback_server.console.sessions import Session, Sessions
    from ringback_server.console.watch import Watch

LIVE_HEADER: Final = "x-ringback-live"
"""Sent by the page's own script when it refreshes by itself: that is not a person's request."""


class Access(Enum):
    """How the console stands open for a session."""

    OPEN = "open"
    """No passphrase is set, and nothing that is decided here leaves this machine."""
    SIGNED_IN = "signed in"
    SIGN_IN = "sign in"
    CLOSED = "closed"
    """Real phones ring here, and no usable passphrase is set."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages stand on."""

    opened: Ringback
    sessions: Sessions
    tries: Tries
    watch: Watch
    templates: Environment


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who may be here."""

    request: Request
    session: Session
    form: dict[str, str]


class Gate:
    """Lets a request through to a page or an action, or answers it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._checking = asyncio.Lock()

    def access(self, session: Session | None) -> Access:
        """What this session may do now. A changed passphrase ends what was opened with the old one."""
        opened = self._parts.opened
        try:
            mark = passphrase_mark(opened.settings.home)
        except ConfigurationError:
            return Access.CLOSED
        if mark is None:
            return Access.CLOSED if opened.carriers.live else Access.OPEN
        return Access.SIGNED_IN if session is not None and session.mark == mark else Access.SIGN_IN

    def find(self, request: Request) -> Session | None:
        """The request's session; a page's own refreshing does not keep it alive."""
        return self._parts.sessions.find(request, touch=LIVE_HEADER not in request.headers)

    def page(self, show: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that shows a page to whoever may see it, and else the way in."""

        async def endpoint(request: Request) -> Response:
            session = self.find(request)
            access = self.access(session)
            if access is Access.CLOSED:
                return self.closed()
            fresh = session is None
            session = session or self._parts.sessions.begin()
            if access is Access.SIGN_IN:
                session.wanted = request.url.path
                response: Response = RedirectResponse("/sign-in", 303)
            else:
                response = await show(Visit(request, session, {}))
            if fresh:
                self._parts.sessions.give(response, request, session)
            return response

        return endpoint

    def action(
        self, act: Callable[[Visit], Awaitable[Response]], *, signing_in: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that acts for a session with its token; `signing_in` is the one that needs no signing in."""

        async def endpoint(request: Request) -> Response:
            session = self._parts.sessions.find(request)
            access = self.access(session)
            if session is None or access is Access.CLOSED:
                raise HTTPException(403, "This page was open for too long, or never signed in. Nothing was done.")
            form = await read_form(request)
            if not session.holds(form.get("csrf", "")):
                raise HTTPException(403, "This form is not one that the console gave you. Nothing was done.")
            if access is Access.SIGN_IN and not signing_in:
                raise HTTPException(403, "You are not signed in. Nothing was done.")
            return await act(Visit(request, session, form))

        return endpoint

    async def check_passphrase(self, given: str) -> str | None:
        """The passphrase's mark if this is it, one try at a time.

        Raises:
            HTTPException: 429, there were too many wrong ones.
        """
        home, tries = self._parts.opened.settings.home, self._parts.tries
        async with self._checking:
            if tries.pause_s > 0:
                seconds = tries.pause_s + 1
                detail = f"Too many wrong tries. Wait {duration(seconds)}."
                raise HTTPException(429, detail, headers={"Retry-After": str(int(seconds))})
            tries.begin()
            mark = passphrase_mark(home)
            if mark is None or not await asyncio.to_thread(verify_passphrase, home, given):
                return None
            tries.succeed()
        return mark

    def render(self, name: str, visit: Visit, status: int = 200, **values: Any) -> Response:
        """A page for a visit."""
        access = self.access(visit.session)
        html = self._parts.templates.get_template(name).render(
            csrf=visit.session.csrf,
            path=visit.request.url.path,
            notes=visit.session.take_notes() if LIVE_HEADER not in visit.request.headers else [],
            signed_in=access is Access.SIGNED_IN,
            unguarded=access is Access.OPEN,
            live=self._parts.opened.carriers.live,
            **{"counts": self._parts.watch.counts, **values},
        )
        return HTMLResponse(html, status)

    def closed(self) -> Response:
        """The one page there is while the console must not open."""
        try:
            passphrase_mark(self._parts.opened.settings.home)
            trouble = None
        except ConfigurationError as error:
            trouble = str(error)
        html = self._parts.templates.get_template("closed.html").render(trouble=trouble)
        return HTMLResponse(html, 403)

    def message(self, status: int, title: str, text: str) -> Response:
        """A page that says one thing, to anybody."""
        html = self._parts.templates.get_template("message.html").render(title=title, text=text)
        return HTMLResponse(html, status)
