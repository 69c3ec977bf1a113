"""A person, voicemail, a busy line and nobody, told apart from the handset to the status, by each carrier that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e import test_twilio
from tests.e2e.serving import eventually
from tests.e2e.test_twilio import TO, allow, known

from ringback.carriers.base import ConfirmsOptOuts
from ringback.carriers.registry import build_carriers
from ringback.settings import Settings, load_settings

if TYPE_CHECKING:
    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation
    from tests.e2e.serving import Serving

PROMPT = "Your table is ready. Press 1 to confirm."
ANSWERED = "A person answered, and the call has ended."
VOICEMAIL = "A voicemail system answered, not a person."
ENDS = {
    "answer": ("completed", "person", ANSWERED),
    "voicemail": ("completed", "voicemail", VOICEMAIL),
    "decline": ("busy", None, "The line was busy; nobody was reached."),
    "nothing": ("no_answer", None, "Nobody answered."),
}

# The fixtures of that file: an installation whose carrier is Twilio, at the sandbox's address.
sandbox = test_twilio.sandbox
twilio = test_twilio.twilio
public = test_twilio.public
serving = test_twilio.serving


@pytest.fixture(autouse=True)
def whatever_hour_it_is(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of a live carrier, so far as they would depend on this moment or on the sandbox's line."""
    if "twilio" in request.fixturenames:
        installation = request.getfixturevalue("twilio")
        rules = {"RINGBACK_CALLER_NAME": "Example Bakery", "RINGBACK_COUNTRIES": "US", "RINGBACK_HOURS": "off"}
        installation.settings |= rules
        for name, value in rules.items():
            monkeypatch.setenv(name, value)


def take(sandbox: Sandbox, how: str) -> None:
    """The handset's owner does this with the newest call, and it ends."""
    sandbox.advance(1)
    own = sandbox.calls()[0]["id"]
    if how != "nothing":
        sandbox.post(f"/sandbox/calls/{own}/{how}")
    sandbox.advance(30 if how == "nothing" else 10)
    if how == "answer":
        sandbox.post(f"/sandbox/calls/{own}/hangup")


@pytest.mark.parametrize("how", ENDS)
def test_on_the_sandbox(ringback: Installation, handset: Sandbox, how: str) -> None:
    handset.freeze()
    allow(ringback)
    call = ringback("call", "--to", TO, "--prompt", PROMPT).json["id"]
    take(handset, how)
    told = ringback("status", call).json
    status, who, words = ENDS[how]
    assert (told["status"], told.get("answered_by")) == (status, who)
    assert told["summary"].startswith(words)


@pytest.mark.parametrize("how", ENDS)
def test_by_twilio_where_it_is_asked(twilio: Installation, sandbox: Sandbox, how: str) -> None:
    allow(twilio)
    call = twilio("call", "--to", TO, "--prompt", PROMPT).json["id"]
    take(sandbox, how)
    told = twilio("status", call).json
    status, who, words = ENDS[how]
    assert (told["status"], told.get("answered_by")) == (status, who)
    assert told["summary"].startswith(words)


@pytest.mark.parametrize(("how", "who"), [("answer", "person"), ("voicemail", "voicemail")])
def test_by_twilio_where_it_calls_back(
    twilio: Installation, sandbox: Sandbox, serving: Serving, how: str, who: str
) -> None:
    allow(twilio)
    call = twilio("call", "--to", TO, "--prompt", PROMPT).json["id"]
    sandbox.advance(1)
    own = sandbox.calls()[0]["id"]
    sandbox.post(f"/sandbox/calls/{own}/{how}")
    eventually(lambda: known(twilio, call).answered_by)
    assert (known(twilio, call).status, known(twilio, call).answered_by) == ("in_progress", who)
    sandbox.advance(10)
    if how == "answer":
        sandbox.post(f"/sandbox/calls/{own}/hangup")
    eventually(lambda: known(twilio, call).status == "completed")
    assert known(twilio, call).answered_by == who, "the end of the call, told in fewer words, forgets nothing"
    assert not any(request["method"] == "GET" and "/Calls/" in request["path"] for request in sandbox.requests())


def test_twilio_says_that_it_answers_stop_words_and_the_sandbox_does_not(
    twilio: Installation,
) -> None:
    by_twilio = build_carriers(load_settings()).first
    assert isinstance(by_twilio, ConfirmsOptOuts)
    assert by_twilio.confirms_opt_outs
    assert not isinstance(build_carriers(Settings(home=twilio.home, carrier="sandbox")).first, ConfirmsOptOuts)
