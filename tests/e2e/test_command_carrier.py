"""`ringback carrier`: where carriers that can be told call back, and who cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation


def test_the_sandbox_is_told_where_to_call_back_and_that_it_is_not_to(ringback: Installation, handset: Sandbox) -> None:
    ringback.settings["RINGBACK_SERVE_PORT"] = "8599"
    for command, url in (("subscribe", "http://127.0.0.1:8599/webhooks/sandbox"), ("unsubscribe", None)):
        done = ringback("carrier", command)
        assert (done.code, done.json["carriers"][0]["done"]) == (0, True)
        assert handset.get("/sandbox/callbacks")["url"] == url


def test_a_carrier_that_documents_no_callbacks_is_said_to_take_none(ringback: Installation) -> None:
    ringback.settings |= {"RINGBACK_CARRIER": "thinkfleetbot", "SAAS_API_URL": "https://127.0.0.1:9"}
    ringback.settings |= {"SAAS_API_KEY": "nobody-asks", "RINGBACK_PUBLIC_URL": "https://me.example"}
    for command in ("subscribe", "unsubscribe"):
        done = ringback("carrier", command)
        assert (done.code, done.json["carriers"]) == (
            3,
            [{"carrier": "thinkfleetbot", "subscribed": command == "subscribe", "done": False}],
        )
