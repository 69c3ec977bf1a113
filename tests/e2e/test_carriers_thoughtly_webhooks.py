"""Finished calls that Thoughtly's webhooks tell: taken at one path, believed only as far as the call itself says so."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ringback_support.open_rules import voiced
from tests.e2e.serving import Serving, eventually
from tests.e2e.test_serve import NO_POLLS

from ringback.approvals import Answer
from ringback.carriers.thoughtly_calls import told_path
from ringback.keys import load_keyring
from ringback.ledger.records import Choice, Level
from ringback.opening import open_ringback
from ringback.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation

TO = "+12025550123"
PATH = "/webhooks/thoughtly"


class Place:
    """An installation whose call rings by Thoughtly, `ringback serve` that asks nothing, and the sandbox."""

    def __init__(self, ringback: Installation, sandbox: Sandbox) -> None:
        self.ringback = ringback
        self.sandbox = sandbox
        self.outbound_id, self.call_id = asyncio.run(self._call())
        self.served = Serving(ringback, patch=NO_POLLS)
        self.served.told("calls back at")
        keyring = load_keyring(None, ringback.home / "key")
        self.token = told_path(keyring.callback_secret("thoughtly"))

    async def _call(self) -> tuple[str, str]:
        async with open_ringback(load_settings()) as opened:
            waiting = await opened.telephone.call(TO, "Press 1.")
            await opened.person.answer(waiting.id, Answer(Choice.ONCE, Level.A2, "page"))
        return waiting.id, self.sandbox.calls()[0]["id"]

    def record(self) -> Any:
        """The outbound as the ledger has it, with nobody asked."""

        async def run() -> Any:
            async with open_ringback(load_settings()) as opened:
                return await opened.ledger.outbounds.get(self.outbound_id)

        return asyncio.run(run())

    def ended(self) -> Any:
        record = self.record()
        return record if record.status.ended else None

    def talk(self) -> None:
        self.sandbox.advance(1)
        for action, body in (("answer", {}), ("keys", {"keys": "1"})):
            self.sandbox.post(f"/sandbox/calls/{self.call_id}/{action}", body)
        self.sandbox.advance(3)
        self.sandbox.post(f"/sandbox/calls/{self.call_id}/hangup")

    def claim(self, path: str, **changes: object) -> int:
        """Post a finished call in the brief form; the answer's status."""
        body = {"call_id": self.call_id, "agent_id": "sandbox_agent", "duration": 9, "outcome": "sold", **changes}
        return self.served.client.post(path, json=body).status_code

    def api(self) -> httpx2.Client:
        headers = {"x-api-token": self.sandbox.api_key, "team_id": "team_7"}
        return httpx2.Client(base_url=self.sandbox.url, headers=headers, trust_env=False)


@pytest.fixture
def place(ringback: Installation, module_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    ringback.settings = {
        "RINGBACK_CARRIER": "thoughtly",
        "THOUGHTLY_API_URL": module_sandbox.url,
        "THOUGHTLY_API_TOKEN": module_sandbox.api_key,
        "THOUGHTLY_TEAM_ID": "team_7",
        "THOUGHTLY_AGENT_ID": "sandbox_agent",
    }
    for name, value in {**ringback.settings, "RINGBACK_HOME": str(ringback.home)}.items():
        monkeypatch.setenv(name, value)
    one = Place(ringback, module_sandbox)
    yield one
    one.served.close()


@pytest.mark.parametrize("form", ["", "?form=brief"])
def test_a_finished_call_is_told_by_itself_in_either_form(place: Place, form: str) -> None:
    url = f"{place.served.url}{PATH}/{place.token}"
    if form:
        told = {"type": "NEW_RESPONSE", "url": url}
        with place.api() as client:
            client.post("/webhooks/subscribe", json={**told, "url": url + form}).raise_for_status()
            client.request("DELETE", "/webhooks/unsubscribe", json=told).raise_for_status()
    assert not place.record().status.ended
    place.talk()
    record = eventually(place.ended)
    assert (record.status, record.report.duration_s, record.report.outcome) == ("completed", 3.0, "answered")
    assert record.report.transcript == f"ai: {voiced('Press 1.')}\nuser: pressed 1"
    assert place.token not in place.served.words


def test_a_claim_at_any_other_path_is_turned_away_and_changes_nothing(place: Place) -> None:
    other = ("A" if place.token[0] != "A" else "B") + place.token[1:]
    answers = {path: place.claim(PATH + path) for path in ("", f"/{other}", "/short", f"/{place.token}/", "/%00")}
    assert set(answers.values()) <= {401, 404}
    assert (answers[""], answers[f"/{other}"]) == (401, 401)
    assert place.record().status == "queued"


def test_what_is_claimed_at_the_right_path_counts_only_as_the_call_itself_tells_it(place: Place) -> None:
    assert place.claim(f"{PATH}/{place.token}") == 204
    record = place.record()
    assert (record.status, record.report and record.report.outcome) == ("queued", None)


def test_where_the_service_cannot_be_asked_the_claim_counts(place: Place, module_sandbox: Sandbox) -> None:
    with place.api() as client:  # every request counts against the service's limit, so nobody is answered any more
        while client.get("/contact").status_code != 429:
            pass
    assert place.claim(f"{PATH}/{place.token}") == 204
    record = place.record()
    assert (record.status, record.report.outcome, record.report.duration_s) == ("completed", "sold", 9.0)


def test_a_call_that_is_not_ours_tells_nothing(place: Place) -> None:
    before = len(place.sandbox.requests())
    assert place.claim(f"{PATH}/{place.token}", call_id="call_of_somebody") == 204
    assert place.record().status == "queued"
    assert len(place.sandbox.requests()) == before, "nothing is asked about it"


def test_carriers_are_told_by_command_where_to_call_back_and_that_they_are_not_to(place: Place) -> None:
    place.ringback.settings["RINGBACK_PUBLIC_URL"] = place.served.url
    ended = place.ringback("carrier", "unsubscribe")
    assert (ended.code, ended.json) == (0, {"carriers": [{"carrier": "thoughtly", "subscribed": False, "done": True}]})
    assert place.ringback("carrier", "unsubscribe", "thoughtly").code == 5, "there is none any more"
    told = place.ringback("carrier", "subscribe", "thoughtly")
    assert (told.code, told.json["carriers"][0]["done"]) == (0, True)
    asked = [json.dumps(request["body"]) for request in place.sandbox.requests() if "webhooks" in request["path"]]
    assert all(f"{place.served.url}{PATH}/{place.token}" in body for body in asked)
    assert place.token not in told.out + told.err + ended.out + ended.err
    place.talk()
    assert eventually(place.ended).status == "completed"


def test_without_a_public_address_there_is_nothing_to_tell(place: Place) -> None:
    told = place.ringback("carrier", "subscribe")
    assert told.code == 7
    assert "RINGBACK_PUBLIC_URL" in told.out
    assert place.ringback("carrier", "subscribe", "nobody").code == 8
