"""Who is at the page: sessions, kept in memory, known by a random cookie."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

IDLE_S: Final = 30 * 60.0
"""A session ends after so long without a person's request."""
ABSOLUTE_S: Final = 12 * 3600.0
"""A session ends after so long whatever happens."""
_MOST: Final = 200
_TOKEN_BYTES: Final = 32


@dataclass(slots=True)
class Session:
    """One browser at the page."""

    id: str = field(repr=False)
    csrf: str = field(repr=False)
    created_at: float
    seen_at: float
    mark: str | None
    """The mark of the passphrase that was given; `None` where nobody signed in."""
    wanted: str = "/"
    """The page to go to after signing in."""
    notes: list[str] = field(default_factory=list)
    """What to tell on the next page."""

    def holds(self, csrf: str) -> bool:
        """Whether this is the session's own token against forged requests."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())

    def take_notes(self) -> list[str]:
        """What is to be told, once."""
        notes, self.notes = self.notes, []
        return notes


class Sessions:
    """The sessions of one console. An id is made here and nowhere else: one that comes from outside is not adopted.

    Args:
        now: Unix seconds.
        port: the console's own; it is in the cookie's name, because browsers do not keep ports apart.
    """

    def __init__(self, now: Callable[[], float], port: int) -> None:
        self._now = now
        self._port = port
        self._sessions: dict[str, Session] = {}

    def find(self, request: Request, *, touch: bool = True) -> Session | None:
        """The request's session, if it is alive. `touch` counts the request as a person's."""
        name = self._cookie_name(request)
        given = [value for key, value in _cookies(request) if key == name]
        session = self._sessions.get(given[0]) if len(given) == 1 else None
        if session is None:
            return None
        if not self.is_alive(session):
            self.end(session)
            return None
        if touch:
            session.seen_at = self._now()
        return session

    def is_alive(self, session: Session) -> bool:
        """Whether the session still counts."""
        now = self._now()
        recent = 0 <= now - session.seen_at < IDLE_S and 0 <= now - session.created_at < ABSOLUTE_S
        return recent and session.id in self._sessions

    def begin(self, mark: str | None = None, *, instead_of: Session | None = None) -> Session:
        """A new session with a new id; `instead_of` ends with it, so that an id from before signing in is worthless."""
        if instead_of is not None:
            self.end(instead_of)
        self._make_room()
        now = self._now()
        session = Session(secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES), now, now, mark)
        self._sessions[session.id] = session
        return session

    def end(self, session: Session) -> None:
        """End a session at once."""
        self._sessions.pop(session.id, None)

    def _make_room(self) -> None:
        for session in [session for session in self._sessions.values() if not self.is_alive(session)]:
            self.end(session)
        if len(self._sessions) >= _MOST:
            # Whoever did not sign in goes first: anybody on this machine can begin such sessions.
            self.end(min(self._sessions.values(), key=lambda session: (session.mark is not None, session.seen_at)))

    def give(self, response: Response, request: Request, session: Session) -> None:
        """Put the session's cookie on an answer."""
        response.set_cookie(
            self._cookie_name(request),
            session.id,
            path="/",
            httponly=True,
            samesite="strict",
            secure=_keeps_secure_cookies(request),
        )

    def _cookie_name(self, request: Request) -> str:
        prefix = "__Host-" if _keeps_secure_cookies(request) else ""
        return f"{prefix}ringback-{self._port}"


def _keeps_secure_cookies(request: Request) -> bool:
    """Whether the browser keeps a `Secure` cookie from plain HTTP on loopback.

    Chromium (tried) and Firefox take loopback for trustworthy; Apple's browser does not, and gets a plain cookie.
    On loopback nothing is lost by that: there is no network to listen on, and `__Host-` keeps no ports apart.
    """
    agent = request.headers.get("user-agent", "")
    return "Safari/" not in agent or "Chrome/" in agent or "Chromium/" in agent


def _cookies(request: Request) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    return [(name.strip(), value.strip()) for name, _, value in pairs]
