"""The doctor's look at the rules of the road: what is off, what lacks a name, a country or a price, who opted out."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ringback.keys import load_keyring
from ringback.ledger import open_ledger
from ringback.model.numbers import PhoneNumber
from ringback.settings import load_settings
from ringback_server.doctor import diagnose
from ringback_server.doctor_rules import look

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_server.doctor import Diagnosis
    from ringback_server.doctor_ledger import Findings

NUMBERS = ("+12025550123", "+12025550124", "+12025550125")
SWITCHES = ("RINGBACK_HOURS", "RINGBACK_LIMITS", "RINGBACK_BULK", "RINGBACK_COUNTRIES", "RINGBACK_CALLER_NAME")
TELLS = {"name": "thinkfleetbot", "live": True, "country": "US"}
PRICE = """
currency = "{currency}"

[[price]]
carrier = "{carrier}"
channel = "sms"
country = "US"
unit = "segment"
price = "0.02"
source = "a contract"
checked = 2026-11-22
"""


@pytest.fixture
def place(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A live carrier, and the rules as they are by default."""
    for name in SWITCHES:
        monkeypatch.delenv(name)
    return place


def found(lines: dict[str, Any] | None = None) -> tuple[Findings, dict[str, Any]]:
    facts: dict[str, Any] = {}
    return look(load_settings(), facts, TELLS if lines is None else lines), facts


def opt_out(place: Path, *numbers: str, carrier: str | None = None, ago_s: float = 0.0) -> None:
    class Clock:
        def now(self) -> datetime:
            return datetime.fromtimestamp(time.time() - ago_s, UTC)

        async def sleep(self, seconds: float) -> None:
            raise AssertionError("nobody waits here")

    async def run() -> None:
        ledger = open_ledger(place / "ledger.db", load_keyring(None, place / "key"), Clock())
        for number in numbers:
            await ledger.opt_outs.begin(PhoneNumber(number), via="text", carrier=carrier)
        await ledger.close()

    asyncio.run(run())


def rules(diagnosis: Diagnosis) -> dict[str, Any]:
    return diagnosis.facts["rules"]


def test_the_rules_by_default_are_told_and_nothing_is_said_to_be_off(place: Path) -> None:
    diagnosis = diagnose()
    assert rules(diagnosis)["hours"] == "08:00-21:00"
    assert rules(diagnosis)["countries"] == "the line's own"
    assert rules(diagnosis)["count_here"] is True
    assert not [warning for warning in diagnosis.warnings if "switched off" in warning]


def test_rules_that_are_off_where_real_phones_ring_are_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_HOURS", "off")
    monkeypatch.setenv("RINGBACK_BULK", "OFF")
    monkeypatch.setenv("RINGBACK_COUNTRIES", "all")
    (warning,) = [warning for warning in diagnose().warnings if "switched off" in warning]
    assert "RINGBACK_HOURS=off, RINGBACK_BULK=off, RINGBACK_COUNTRIES=all" in warning
    assert "LIMITS" not in warning


def test_on_the_sandbox_nothing_is_warned_about(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_CARRIER", "sandbox")
    monkeypatch.setenv("RINGBACK_HOURS", "off")
    findings, facts = found({"name": "sandbox", "live": False, "country": None})
    assert findings.warnings == []
    assert facts["count_here"] is False
    monkeypatch.setenv("RINGBACK_SANDBOX_RULES", "true")
    assert found({})[1]["count_here"] is True


def test_calls_without_a_name_are_warned_about_where_the_carrier_calls(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any("RINGBACK_CALLER_NAME" in warning for warning in found()[0].warnings)
    monkeypatch.setenv("RINGBACK_CALLER_NAME", "Example Practice")
    findings, facts = found()
    assert not any("RINGBACK_CALLER_NAME" in warning for warning in findings.warnings)
    assert facts["caller_name"] == "set"
    assert "Example Practice" not in json.dumps(facts)
    monkeypatch.delenv("RINGBACK_CALLER_NAME")
    monkeypatch.setenv("RINGBACK_CARRIER", "teli")
    assert not any("RINGBACK_CALLER_NAME" in warning for warning in found()[0].warnings)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (TELLS, None),
        ({**TELLS, "country": None}, "thinkfleetbot"),
        ({"name": "thinkfleetbot", "answers": False}, None),
        (
            {
                "name": "teli,voice=thoughtly",
                "answers": True,
                "teli": {"live": True, "country": "US"},
                "thoughtly": {"live": True, "country": None},
            },
            "thoughtly",
        ),
    ],
    ids=["known", "unknown", "unanswered", "one of two"],
)
def test_a_line_whose_country_nobody_knows_is_warned_about(
    place: Path, monkeypatch: pytest.MonkeyPatch, lines: dict[str, Any], named: str | None
) -> None:
    told = [warning for warning in found(lines)[0].warnings if "country_unknown" in warning]
    assert [f"by {named} is refused" in warning for warning in told] == ([True] if named else [])
    monkeypatch.setenv("RINGBACK_COUNTRIES", "US,CA")
    assert not [warning for warning in found(lines)[0].warnings if "country_unknown" in warning]


def test_prices_of_the_operator_are_read_and_strange_carriers_named(place: Path) -> None:
    assert found()[1]["prices"] == "Ringback's own"
    (place / "prices.toml").write_text(PRICE.format(currency="USD", carrier="telly"))
    findings, facts = found()
    assert any("do not exist: telly." in warning for warning in findings.warnings)
    assert facts["priced"]["telly"] == 1
    assert facts["priced"]["twilio"] > 1
    (place / "prices.toml").write_text(PRICE.format(currency="USD", carrier="teli"))
    assert not any("do not exist" in warning for warning in found()[0].warnings)


@pytest.mark.parametrize("content", [b"currency = ", b"\xff\xfe", b'currency = "usd"'])
def test_prices_that_cannot_be_read_are_a_problem(place: Path, content: bytes) -> None:
    (place / "prices.toml").write_bytes(content)
    assert len(found()[0].problems) == 1
    assert diagnose().as_dict()["ok"] is False


def test_a_budget_without_prices_or_in_another_currency_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_BUDGET", "5 EUR/day")
    findings, _ = found()
    assert any("in EUR and the prices are in USD" in problem for problem in findings.problems)
    assert any("no price is known of thinkfleetbot" in warning for warning in findings.warnings)
    (place / "prices.toml").write_text(PRICE.format(currency="EUR", carrier="thinkfleetbot"))
    findings, _ = found()
    assert findings.problems == []
    assert not any("budget" in warning for warning in findings.warnings)


def test_presets_that_cannot_be_read_are_a_problem(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found()[1]["area_codes_with_presets"] > 100
    own = place / "hours.toml"
    own.write_text('[[jurisdiction]]\nname = "Utah"\narea_codes = [435]\nweekdays = "noon"\n')
    monkeypatch.setenv("RINGBACK_HOURS_PRESETS", str(own))
    (problem,) = found()[0].problems
    assert "RINGBACK_HOURS_PRESETS" in problem
    hours = '"08:00-20:00"'
    own.write_text(
        f'[[jurisdiction]]\nname = "Utah"\narea_codes = [435]\nweekdays = {hours}\nsaturdays = {hours}\n'
        f"sundays = {hours}\n"
    )
    findings, facts = found()
    assert findings.problems == []
    assert facts["area_codes_with_presets"] == 1


def test_opt_outs_are_counted_without_a_number_and_late_confirmations_told(place: Path) -> None:
    assert "opted_out" not in found()[1]
    opt_out(place, NUMBERS[0], ago_s=3600)
    opt_out(place, NUMBERS[1], carrier="thinkfleetbot")
    findings, facts = found()
    assert (facts["opted_out"], facts["unconfirmed"]) == (2, 1)
    assert not any("confirmation" in warning for warning in findings.warnings)
    opt_out(place, NUMBERS[2], carrier="thinkfleetbot", ago_s=3600)
    diagnosis = diagnose()
    assert (rules(diagnosis)["opted_out"], rules(diagnosis)["unconfirmed"]) == (3, 2)
    assert any(warning.startswith("1 person has opted out over 10 minutes ago") for warning in diagnosis.warnings)
    told = json.dumps(diagnosis.as_dict())
    assert not [number for number in NUMBERS if number in told or number[1:] in told]
