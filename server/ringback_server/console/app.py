"""The console as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ringback.errors import ConfigurationError, LedgerError, NotFound, RingbackError
from ringback_server.console.actions import Actions
from ringback_server.console.conversations import Talks
from ringback_server.console.gate import Gate, Parts
from ringback_server.console.lists import Lists
from ringback_server.console.opted_out import OptedOut
from ringback_server.console.pages import Pages
from ringback_server.console.passkeys import Passkeys
from ringback_server.console.passphrase import Tries
from ringback_server.console.planner import Planner
from ringback_server.console.protection import Guard
from ringback_server.console.rulebook import Rulebook
from ringback_server.console.sessions import Sessions
from ringback_server.console.views import build_environment
from ringback_server.console.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from ringback.opening import Ringback

Endpoints = dict[str, "Callable[[Request], Awaitable[Response]]"]
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_TITLES: Final = {400: "Not understood", 403: "Not allowed", 404: "Not found", 405: "Not possible", 409: "Not done"}


def build(opened: Ringback, port: int) -> tuple[Guard, Watch]:
    """The application and what it does in the background.

    Args:
        opened: the installation.
        port: the port that a browser must have asked for.
    """

    def now() -> float:
        return opened.clock.now().timestamp()

    parts = Parts(opened, Sessions(now, port), Tries(now), Watch(opened), build_environment(now))
    gate = Gate(parts)
    passkeys = Passkeys(parts, gate, port)
    lists = Lists(parts, gate, passkeys)
    pages = Pages(parts, gate, passkeys, lists)
    actions = Actions(parts, gate, pages, passkeys)
    rules = (Rulebook(parts, gate), OptedOut(parts, gate), Planner(parts, gate))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        watching = asyncio.create_task(parts.watch.run())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            await actions.finish()
            await lists.finish()

    async def told(request: Request, error: Exception) -> Response:
        del request
        return _tell(gate, error)

    handlers: dict[Any, Any] = {HTTPException: told, RingbackError: told, Exception: told}
    reading, acting = _endpoints(gate, pages, actions, passkeys, Talks(parts, gate))
    more = _rules(gate, lists, *rules)
    routes = _routes({**reading, **more[0]}, {**acting, **more[1]})
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    app.router.redirect_slashes = False  # a path is spelled right or it is none
    return Guard(app, port), parts.watch


def _endpoints(
    gate: Gate, pages: Pages, actions: Actions, passkeys: Passkeys, talks: Talks
) -> tuple[Endpoints, Endpoints]:
    """What is shown and what is done, by path."""
    reading: Endpoints = {
        "/": gate.page(pages.waiting),
        "/scheduled": gate.page(pages.scheduled),
        "/doubtful": gate.page(pages.doubtful),
        "/doubtful/{id}/{verdict}": gate.page(pages.verdict),
        "/received": gate.page(pages.received),
        "/conversations": gate.page(talks.show_all),
        "/conversations/{contact}": gate.page(talks.show),
        "/outbounds/{id}": gate.page(pages.outbound),
        "/history": gate.page(pages.history),
        "/allowed": gate.page(pages.allowed),
        "/line": gate.page(pages.line),
        "/passkeys": gate.page(passkeys.show),
        "/sign-in": pages.sign_in,
        "/events": pages.events,
        "/health": pages.health,
        **_static(),
    }
    acting: Endpoints = {
        "/answer": gate.action(actions.answer),
        "/answer/challenge": gate.action(actions.challenge),
        "/cancel": gate.action(actions.cancel),
        "/resolve": gate.action(actions.resolve),
        "/conversations/{contact}": gate.action(talks.write),
        "/conversations/{contact}/take": gate.action(talks.take_over),
        "/conversations/{contact}/give-back": gate.action(talks.give_back),
        "/allowed": gate.action(actions.allow),
        "/allowed/revoke": gate.action(actions.revoke),
        "/passkeys": gate.action(passkeys.add),
        "/passkeys/challenge": gate.action(passkeys.ask),
        "/passkeys/create": gate.action(passkeys.create),
        "/passkeys/remove": gate.action(passkeys.remove),
        "/sign-out": gate.action(actions.sign_out),
        "/sign-in": gate.action(actions.sign_in, signing_in=True),
    }
    return reading, acting


def _rules(
    gate: Gate, lists: Lists, rulebook: Rulebook, opted_out: OptedOut, planner: Planner
) -> tuple[Endpoints, Endpoints]:
    """The same for lists, the rules, who opted out, and the calendar."""
    reading: Endpoints = {
        "/lists/{id}": gate.page(lists.show),
        "/rules": gate.page(rulebook.show),
        "/opted-out": gate.page(opted_out.show),
        "/opted-out/{id}/lift": gate.page(opted_out.ask_lift),
        "/scheduled/calendar": gate.page(planner.show),
        "/scheduled/calendar/{when}": gate.page(planner.show),
    }
    acting: Endpoints = {
        "/lists/{id}": gate.action(lists.answer),
        "/lists/{id}/challenge": gate.action(lists.challenge),
        "/rules/zone": gate.action(rulebook.name_zone),
        "/rules/zone/clear": gate.action(rulebook.drop_zone),
        "/opted-out": gate.action(opted_out.add),
        "/opted-out/{id}/lift": gate.action(opted_out.lift),
        "/opted-out/import": gate.action(opted_out.take_in),
        "/opted-out/export": gate.action(opted_out.give_out),
    }
    return reading, acting


def _routes(reading: Endpoints, acting: Endpoints) -> list[Route]:
    return [
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in reading.items() if path not in acting),
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in acting.items() if path not in reading),
        *(
            Route(path, _either(endpoint, acting[path]), methods=["GET", "POST"])
            for path, endpoint in reading.items()
            if path in acting
        ),
    ]


def _either(
    read: Callable[[Request], Awaitable[Response]], act: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await (act if request.method == "POST" else read)(request)

    return endpoint


def _static() -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """The fixed files, read once: no path from a request ever reaches the file system."""

    def serve(content: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            del request
            return Response(content, media_type=kind)

        return endpoint

    folder = files("ringback_server.console").joinpath("static")
    return {
        f"/static/{item.name}": serve(item.read_bytes(), _KINDS[item.name.rpartition(".")[2]])
        for item in folder.iterdir()
    }


def _tell(gate: Gate, error: Exception) -> Response:
    """A page for an error; Ringback's own carry neither a number nor a text, and Starlette's are written here."""
    if isinstance(error, HTTPException):
        response = gate.message(error.status_code, _TITLES.get(error.status_code, "Not done"), error.detail)
        response.headers.update(error.headers or {})
        return response
    if not isinstance(error, RingbackError):
        return gate.message(500, "Something failed", "The console failed. Its standard error tells where.")
    status = {NotFound.code: 404, LedgerError.code: 503, ConfigurationError.code: 503}.get(error.code, 409)
    return gate.message(status, _TITLES.get(status, "Not possible now"), str(error))
