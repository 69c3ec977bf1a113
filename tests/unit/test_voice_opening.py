"""What every call says first, whoever words it: that its voice is artificial, for whom it calls, how to opt out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, TO, YES, opened

from ringback.errors import ConfigurationError, InvalidRequest, Refused
from ringback.model.voice import LONGEST, LONGEST_NAME, OPENING, OPT_OUT, check_caller, check_opening, spoken
from ringback.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = (
    "Hello. This is an AI assistant with an artificial voice, calling for Example Practice. "
    "To get no more calls and texts, press star nine, or text STOP to this number. See you at three."
)


def test_a_call_opens_with_the_three_things() -> None:
    assert spoken(TEXT, caller="Example Practice") == WHOLE
    assert "whoever tries this sandbox" in spoken(TEXT, caller=None)
    assert check_opening(OPENING) == OPENING


def test_a_name_that_looks_like_a_place_is_spoken_as_it_is() -> None:
    assert spoken("-", caller="{opt_out}", opening="AI for {caller}. {opt_out}").startswith("AI for {opt_out}. To get")


@pytest.mark.parametrize(
    "text",
    [
        "An AI calls for {caller}. {opt_out}",
        "ROBOT here, for {caller}: {opt_out}",
        "Dies ist eine künstliche Stimme für {caller}. {opt_out}",
        "Une voix artificielle, pour {caller}. {opt_out}",
        "I am automated, for {caller}. Text STOP or press *9.",
        "I am automated, for {caller}. Text STOP or press star nine.",
        "I am automated, for {caller}. Text STOP or press * 9.",
        "AI {caller} {opt_out}" + "." * (LONGEST - 21),
    ],
)
def test_other_words_are_taken_while_nothing_is_missing(text: str) -> None:
    assert check_opening(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "{caller}"),
        ("Hello from {caller}. {opt_out}", "artificial"),
        ("Said Aida for {caller}. {opt_out}", "artificial"),  # the letters alone are no word
        ("An AI calls. {opt_out}", "{caller}"),
        ("An AI calls for {caller}.", "{opt_out}"),
        ("An AI calls for {caller}. Press star nine.", "{opt_out}"),
        ("An AI calls for {caller}. Text STOP.", "{opt_out}"),
        ("An AI calls for {caller}. Text stop or press star nine.", "{opt_out}"),
        ("An AI calls for {caller}. STOP; startle.", "{opt_out}"),
        ("AI {caller} {opt_out}" + "." * (LONGEST - 20), f"{LONGEST} characters"),
    ],
)
def test_an_opening_that_lacks_something_is_refused_and_told_what(text: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_opening(text)
    assert told in refused.value.message
    assert OPENING in refused.value.hint


def test_a_callers_name_is_one_line_without_braces() -> None:
    assert check_caller("  Example Practice ") == "Example Practice"
    assert check_caller("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    for name in ("", "  ", "x" * (LONGEST_NAME + 1), "a{b", "a}b", "a\nb", "a\rb"):
        with pytest.raises(InvalidRequest):
            check_caller(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RINGBACK_CALL_OPENING", "Hello from {caller}. {opt_out}"), ("RINGBACK_CALLER_NAME", "a{b")],
)
def test_settings_without_them_start_nothing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError):
        load_settings()


async def test_a_person_is_asked_about_the_whole_call_and_the_whole_call_goes_out(home: Path) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier, clock=FakeClock(), caller_name=" Example Practice ") as ringback:
        receipt = await ringback.telephone.call(TO, TEXT)
        assert (await ringback.person.question(receipt.id)).text == WHOLE
        assert (await ringback.person.answer(receipt.id, YES)).status == "accepted"
    assert [wish.text for wish in carrier.sent] == [WHOLE]


async def test_an_operators_own_opening_goes_out(home: Path) -> None:
    carrier = FakeCarrier()
    words = {"caller_name": "Example Practice", "call_opening": "Robot of {caller}. {opt_out}"}
    async with opened(home, carrier, clock=FakeClock(), **words) as ringback:
        receipt = await ringback.telephone.call(TO, TEXT)
        await ringback.person.answer(receipt.id, YES)
    assert [wish.text for wish in carrier.sent] == [f"Robot of Example Practice. {OPT_OUT} {TEXT}"]


async def test_on_a_real_line_nobody_is_called_while_no_name_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGBACK_CALLER_NAME")
    for live, rule in ((True, "caller_unnamed"), (False, None)):
        carrier = FakeCarrier(live=live)
        async with opened(home, carrier, clock=FakeClock()) as ringback:
            if rule is None:
                assert (await ringback.telephone.call("+12125550123", TEXT)).status == "awaiting_approval"
                continue
            with pytest.raises(Refused) as refused:
                await ringback.telephone.call("+12125550123", TEXT)
            assert refused.value.rule == rule
            assert "RINGBACK_CALLER_NAME" in refused.value.hint
            assert (await ringback.telephone.send_sms("+12125550123", TEXT)).status == "awaiting_approval"


async def test_the_opening_counts_towards_what_a_call_may_say(home: Path) -> None:
    async with opened(home, clock=FakeClock()) as ringback:
        with pytest.raises(InvalidRequest):
            await ringback.telephone.call(TO, "x" * 4096)
        with pytest.raises(InvalidRequest):
            await ringback.telephone.call(TO, "  ")
