"""Requests to the console, as a person's browser sends them, and changed in every way that somebody else might."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.e2e.console.conftest import PASSPHRASE, Answer, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.console.conftest import Console

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Known:
    """What a hostile request may know: everything about one session and one waiting outbound."""

    console: Console
    cookie: str
    other_csrf: str
    outbound_id: str
    fields: dict[str, str]

    @property
    def name(self) -> str:
        return self.cookie.partition("=")[0]


@dataclass(frozen=True)
class Attempt:
    """A request. Unchanged it is the person's own approval."""

    known: Known
    method: str = "POST"
    target: str = "/answer"
    headers: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes | list[bytes] | None = None

    def send(self) -> Answer:
        body = urlencode(self.fields).encode() if self.body is None else self.body
        headers = dict(self.headers)
        if isinstance(body, list):
            headers["Transfer-Encoding"] = ["chunked"]
        elif body or self.method == "POST":
            headers.setdefault("Content-Length", [str(len(body))])
        pairs = [(name, value) for name, values in headers.items() for value in values]
        return send(self.known.console.port, self.method, self.target, pairs, body)


def approval(known: Known) -> Attempt:
    host = known.console.host
    headers = {
        "Host": [host],
        "Cookie": [known.cookie],
        "Origin": [f"http://{host}"],
        "Sec-Fetch-Site": ["same-origin"],
        "Content-Type": [FORM],
    }
    return Attempt(known, headers=headers, fields=dict(known.fields))


def with_header(name: str, *values: str) -> Callable[[Attempt], Attempt]:
    def change(attempt: Attempt) -> Attempt:
        port, cookie = str(attempt.known.console.port), attempt.known.cookie
        filled = [value.replace("PORT", port).replace("COOKIE", cookie) for value in values]
        return replace(attempt, headers={**attempt.headers, name: filled})

    return change


def with_field(**fields: str | None) -> Callable[[Attempt], Attempt]:
    def change(attempt: Attempt) -> Attempt:
        mixed = {**attempt.fields, **fields}
        return replace(attempt, fields={name: value for name, value in mixed.items() if value is not None})

    return change


def with_body(make: Callable[[Attempt], bytes | list[bytes]]) -> Callable[[Attempt], Attempt]:
    return lambda attempt: replace(attempt, body=make(attempt))


def by(method: str, target: str = "/answer") -> Callable[[Attempt], Attempt]:
    """The same in another method's clothes: all fields in the query, no body."""

    def change(attempt: Attempt) -> Attempt:
        query = f"{target}?{urlencode(attempt.fields)}"
        return replace(attempt, method=method, target=query, fields={}, body=b"")

    return change


def at(target: str, method: str = "POST") -> Callable[[Attempt], Attempt]:
    return lambda attempt: replace(attempt, method=method, target=target)


def reading(target: str, **headers: str) -> Callable[[Attempt], Attempt]:
    """A GET as a browser would send it from somewhere else."""

    def change(attempt: Attempt) -> Attempt:
        kept = {name: attempt.headers[name] for name in ("Host", "Cookie")}
        foreign = {name.replace("_", "-"): [value] for name, value in headers.items()}
        return replace(attempt, method="GET", target=target, headers={**kept, **foreign}, fields={})

    return change


def loaded(site: str, mode: str, into: str) -> Callable[[Attempt], Attempt]:
    """The page, loaded from elsewhere."""
    return reading("/", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=into)


def both(*changes: Callable[[Attempt], Attempt]) -> Callable[[Attempt], Attempt]:
    def change(attempt: Attempt) -> Attempt:
        for one in changes:
            attempt = one(attempt)
        return attempt

    return change


def encoded(attempt: Attempt, more: str = "") -> bytes:
    return (urlencode(attempt.fields) + more).encode()


def sign_in(console: Console) -> tuple[str, Answer]:
    """The cookie of a person who signed in, and the page that they then see."""
    host = ("Host", console.host)
    form = send(console.port, "GET", "/sign-in", [host])
    before = form.cookies[0].partition(";")[0]
    body = urlencode({"csrf": form.hidden("csrf"), "passphrase": PASSPHRASE}).encode()
    origin, kind = ("Origin", f"http://{console.host}"), ("Content-Type", FORM)
    length = ("Content-Length", str(len(body)))
    entered = send(console.port, "POST", "/sign-in", [host, origin, kind, length, ("Cookie", before)], body)
    assert entered.status == 303
    cookie = entered.cookies[0].partition(";")[0]
    return cookie, send(console.port, "GET", "/", [host, ("Cookie", cookie)])
