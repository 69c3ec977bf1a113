"""Recorded exchanges with carriers: what `tests/wire/<carrier>/` holds, for tests that run over all carriers.

`carrier.json`:
    live            whether real telephones ring
    settings        environment variables that set the carrier up; `{url}` stands for the server's address
    defaults        optional: further ones that have a default, so that they may be missing
    files           optional: JSON files in the home folder, by path
    exchanges_of    optional: another carrier whose wire this one speaks
    nothing_received optional: what the service answers where nothing came in, if not []
    any_answer      optional: whether every 2xx answer but a web page means that a send was taken

`exchanges/<name>.json`:
    ask             the call of the `Carrier` protocol, as `call` and its arguments
    before          optional: requests that come first, in order, each with `request` and `answer` as below
    request         what must go over the wire: method, target, headers (at least these), body (exactly this JSON,
                    or exactly these fields of a form)
    answer          what comes back: status and JSON body, as the service documents it; request and answer are null
                    for a call that the service does not have, so that nothing is asked
    means           what the call must return; a field that is left out is not known
"""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringback.carriers.registry import build_carriers
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Line, Outbound, Report
from ringback.settings import load_settings
from ringback_support.open_rules import OPEN_RULES
from ringback_support.wire_server import Reply, Request, WireServer, reply, wire_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    import pytest

    from ringback.carriers.base import Carrier

OURS = ("RINGBACK_", "SAAS_", "THOUGHTLY_", "TELI_", "TWILIO_", "THINNESTAI_")
"""How the names of our environment variables begin."""
WIRE = Path(__file__).resolve().parents[2] / "wire"


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange."""

    name: str
    ask: dict[str, Any]
    request: dict[str, Any] | None
    answer: dict[str, Any] | None
    means: Any
    before: tuple[dict[str, Any], ...] = ()

    def reply(self) -> Reply:
        if self.answer is None:
            return reply(404)
        return reply(self.answer["status"], self.answer["body"])

    def steps(self) -> list[dict[str, Any]]:
        """Everything that goes over the wire, in order."""
        own = [] if self.request is None else [{"request": self.request, "answer": self.answer}]
        return [*self.before, *own]

    def posts_before(self) -> int:
        return sum(step["request"]["method"] == "POST" for step in self.before)

    def prepare(self, request: Request) -> Reply | None:
        """The recorded answer, if the request is one of those that come first."""
        return _answered(self.before, request)

    def respond(self, request: Request) -> Reply | None:
        """The recorded answer, if the request is one of this exchange."""
        return _answered(self.steps(), request)

    async def perform(self, carrier: Carrier) -> Any:
        """Make the call, and give back its result in the form of `means`."""
        call, given = self.ask["call"], self.ask
        if call == "line":
            return _line(await carrier.line())
        if call == "transmit":
            return _acceptance(await carrier.transmit(outbound(carrier.name, given)))
        if call == "report":
            return _report(await carrier.report(Channel(given["channel"]), given["carrier_id"]))
        items = await carrier.history(given["limit"])
        names = ("carrier_id", "channel", "to", "status", "created_at")
        return [{name: str(getattr(item, name)) for name in names} for item in items]


def _answered(steps: Iterable[dict[str, Any]], request: Request) -> Reply | None:
    for step in steps:
        if (request.method, request.target) == (step["request"]["method"], step["request"]["target"]):
            return reply(step["answer"]["status"], step["answer"]["body"])
    return None


def outbound(carrier: str, given: dict[str, Any]) -> Outbound:
    channel, to = Channel(given["channel"]), PhoneNumber(given["to"])
    urgent = given.get("urgent", False)
    return Outbound(channel, to, carrier, given["text"], given.get("media_url"), urgent=urgent)


def _line(line: Line) -> dict[str, Any]:
    number = line.number.e164 if line.number else None
    return {"enabled": line.enabled, "number": number, "capabilities": sorted(line.capabilities)}


def _acceptance(acceptance: Acceptance) -> dict[str, Any]:
    return {"carrier_id": acceptance.carrier_id, "status": acceptance.status.value}


def _report(report: Report | None) -> dict[str, Any] | None:
    if report is None:
        return None
    names = (
        *("delivered_at", "error", "duration_s", "recording_url", "keys"),
        *("outcome", "transcript", "variables", "answered_by"),
    )
    known = {name: value for name in names if (value := getattr(report, name)) is not None}
    return {"status": report.status.value, **known}


def description(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((WIRE / name / "carrier.json").read_text(encoding="utf-8"))
    return told


def exchanges(name: str) -> list[Exchange]:
    """Every recorded exchange of a carrier."""
    folder = WIRE / description(name).get("exchanges_of", name) / "exchanges"
    paths = sorted(folder.glob("*.json"))
    return [Exchange(path.stem, **json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def one_for(name: str, call: str, channel: str | None = None) -> Exchange:
    """The first exchange of a call, on a channel if one is given."""
    found = (
        each for each in exchanges(name) if each.ask["call"] == call and channel in {None, each.ask.get("channel")}
    )
    return next(found)


@dataclass
class Recorded:
    """Answers the line's check and what comes before a send as recorded, and everything else as `answer` says."""

    name: str
    answer: Callable[[Request], Reply] | None = None

    def __call__(self, request: Request) -> Reply:
        line = one_for(self.name, "line")
        known = line.respond(request)
        if known is None:
            sends = (each for each in exchanges(self.name) if each.ask["call"] == "transmit")
            known = next((found for each in sends if (found := each.prepare(request)) is not None), None)
        if known is not None:
            return known
        return line.reply() if self.answer is None else self.answer(request)


@asynccontextmanager
async def carrier_from_settings(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch, respond: Callable[[Request], Reply]
) -> AsyncIterator[tuple[Carrier, WireServer]]:
    """A carrier built from the environment and the home folder, talking to a server of the test's."""
    async with wire_server(respond) as server:
        set_up(name, home, monkeypatch, server.url)
        carrier = build_carriers(load_settings()).first
        try:
            yield carrier, server
        finally:
            await carrier.aclose()


def set_up(name: str, home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The environment and the files that a carrier's description asks for."""
    told = description(name)
    for variable in [each for each in os.environ if each.startswith(OURS)]:
        monkeypatch.delenv(variable)
    for variable, value in OPEN_RULES.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("RINGBACK_HOME", str(home))
    monkeypatch.setenv("RINGBACK_CARRIER", name)
    for variable, value in {**told["settings"], **told.get("defaults", {})}.items():
        monkeypatch.setenv(variable, value.replace("{url}", url))
    for path, content in told.get("files", {}).items():
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content).replace("{url}", url), encoding="utf-8")
