"""Triggers: standing approvals that programs use, under the guards, within the person's bounds, once for each key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import content_of, edit, moment, opened, rows

from ringback.clock import SystemClock
from ringback.errors import CarrierUnavailable, IdempotencyConflict, InvalidRequest, NotFound, Refused
from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.model.trigger import Definition
from ringback.rotation import rotate
from ringback.settings import ApprovalFloor, Settings
from ringback.triggers import Caller, Request

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

TO = "+12025550123"
OTHER = "+12025550124"
DAY_S = 86_400.0


def definition(**changes: Any) -> Definition:
    values: dict[str, Any] = {
        "name": "reminder",
        "channel": Channel.SMS,
        "template": "See you at {time}.",
        "countries": ("US",),
        "hours": "00:00-24:00",
        "limit_per_day": 5,
        "callers": ("crm", "remind"),
        "carrier": "sandbox",
    }
    return Definition(**{**values, **changes})


async def applied(ringback: Ringback, **changes: Any) -> str:
    """Apply the trigger; the caller's secret."""
    await ringback.person.triggers.apply(definition(**changes), level=Level.A2, via="terminal")
    return await ringback.person.triggers.make_secret("reminder", "crm")


async def crm(ringback: Ringback, **changes: Any) -> Caller:
    return await ringback.triggers.authorise("reminder", await applied(ringback, **changes))


def ask(to: str = TO, time: object = "9:00", **more: Any) -> Request:
    return Request(to, {"time": time}, **more)


async def refusal(ringback: Ringback, caller: Caller, request: Request) -> Refused:
    with pytest.raises(Refused) as refused:
        await ringback.triggers.fire(caller, request)
    return refused.value


async def test_what_a_caller_asks_for_goes_out_in_the_persons_words_with_the_trigger_as_consent(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    caller = await crm(ringback)
    told = await ringback.triggers.fire(caller, ask())
    assert (told.status, told.approval, told.repeated) == ("accepted", "A0", False)
    assert [(wish.to.e164, wish.text) for wish in carrier.sent] == [(TO, "See you at 9:00.")]
    assert rows(home, "SELECT via, choice FROM approval") == [(f"trigger:{caller.trigger.id}", "allowance")]


async def test_an_urgent_call_is_urgent_in_the_ledger_in_the_consent_and_at_the_carrier(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    caller = await crm(ringback, channel=Channel.VOICE, urgent=True)
    told = await ringback.triggers.fire(caller, ask())
    assert [(wish.channel, wish.urgent) for wish in carrier.sent] == [(Channel.VOICE, True)]
    stored = (await ringback.ledger.outbounds.get(told.id)).outbound
    other = replace(stored, urgent=False)
    digests = {ringback.keyring.digest(wish, row=told.id, expires_at=0.0) for wish in (stored, other)}
    assert (stored.urgent, len(digests)) == (True, 2)


async def test_fifty_at_once_with_one_key_from_two_processes_send_once(home: Path) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier) as one, opened(home, carrier) as two:
        caller = await crm(one)
        sides = [side.triggers.fire(caller, ask(key="k")) for side in (one, two) * 25]
        told = await asyncio.gather(*sides)
    assert len(carrier.sent) == 1
    assert len({receipt.id for receipt in told}) == 1
    assert sum(not receipt.repeated for receipt in told) == 1


async def test_without_a_key_the_same_day_is_the_same_and_the_next_day_is_not(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    caller = await crm(ringback)
    told = [await ringback.triggers.fire(caller, ask(time=time)) for time in ("9:00", "9:00", "10:00")]
    assert [receipt.repeated for receipt in told] == [False, True, False]
    clock.move(DAY_S)
    assert not (await ringback.triggers.fire(caller, ask())).repeated
    assert len(carrier.sent) == 3


async def test_a_key_that_was_used_for_something_else_is_a_conflict(ringback: Ringback, carrier: FakeCarrier) -> None:
    caller = await crm(ringback)
    await ringback.triggers.fire(caller, ask(key="k"))
    with pytest.raises(IdempotencyConflict):
        await ringback.triggers.fire(caller, ask(OTHER, key="k"))
    with pytest.raises(InvalidRequest):
        await ringback.triggers.fire(caller, ask(key="k" * 201))
    assert len(carrier.sent) == 1


async def test_only_a_secret_of_a_caller_that_the_definition_names_counts(ringback: Ringback) -> None:
    secret = await applied(ringback)
    assert (await ringback.triggers.authorise("reminder", secret)).name == "crm"
    for wrong in ("", secret[:-1], secret + "x", "\ud800", "é"):
        with pytest.raises(Refused) as refused:
            await ringback.triggers.authorise("reminder", wrong)
        assert refused.value.rule == "wrong_secret"
    with pytest.raises(NotFound):
        await ringback.triggers.authorise("another", secret)
    with pytest.raises(NotFound):
        await ringback.person.triggers.make_secret("reminder", "stranger")
    again = await ringback.person.triggers.make_secret("reminder", "crm")
    await ringback.triggers.authorise("reminder", again)
    with pytest.raises(Refused):
        await ringback.triggers.authorise("reminder", secret)
    await ringback.person.triggers.apply(definition(callers=("form",)), level=Level.A2, via="terminal")
    with pytest.raises(Refused):
        await ringback.triggers.authorise("reminder", again)


async def test_countries_hours_and_guards_refuse_and_store_nothing(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    caller = await crm(ringback, hours="03:00-03:01")
    outside = await refusal(ringback, caller, ask())
    assert (outside.rule, outside.retry_at is not None) == ("trigger_hours", True)
    assert (await refusal(ringback, caller, ask("+493023125000"))).rule == "trigger_country"
    assert (await refusal(ringback, caller, ask("+19005550123"))).rule == "destination_premium"
    await ringback.person.conversations.take_over(OTHER, via="page")
    assert (await refusal(ringback, caller, ask(OTHER))).rule == "human_takeover"
    assert (carrier.sent, rows(home, "SELECT * FROM outbound")) == ([], [])


async def test_the_limit_of_a_day_holds_over_all_processes_and_ends_with_the_day(home: Path) -> None:
    carrier, clock = FakeCarrier(), FakeClock()
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:
        caller = await crm(one, limit_per_day=5)
        sides = [side.triggers.fire(caller, ask(time=n)) for n, side in enumerate((one, two) * 10)]
        told = await asyncio.gather(*sides, return_exceptions=True)
        refused = [error for error in told if isinstance(error, Refused)]
        assert len(carrier.sent) == 5
        assert {error.rule for error in refused} == {"trigger_limit"}
        assert len(refused) == 15
        assert refused[0].retry_at == clock.now().timestamp() + DAY_S / 2  # noon, and days end at midnight UTC
        clock.move(DAY_S / 2)
        assert (await one.triggers.fire(caller, ask(key="tomorrow"))).status == "accepted"


async def test_what_certainly_did_not_go_out_takes_no_place_in_the_limit(ringback: Ringback) -> None:
    caller = await crm(ringback, limit_per_day=1)
    first = await ringback.triggers.fire(caller, ask(send_at=moment(ringback.clock, 3600)))
    at = moment(ringback.clock, 3700)
    assert (await refusal(ringback, caller, ask(OTHER, send_at=at))).rule == "trigger_limit"
    await ringback.telephone.cancel(first.id)
    assert (await ringback.triggers.fire(caller, ask(OTHER, send_at=at))).status == "scheduled"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"countries": ("DE",)}, "trigger_country"),
        ({"hours": "03:00-03:01"}, "trigger_hours"),
        ({"template": "Other words {time}"}, None),
        (None, "allowance_revoked"),
    ],
)
async def test_what_is_scheduled_is_looked_at_again_when_it_is_due(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, change: dict[str, Any] | None, rule: str | None
) -> None:
    caller = await crm(ringback)
    told = await ringback.triggers.fire(caller, ask(send_at=moment(clock, 3600)))
    assert (told.status, carrier.sent) == ("scheduled", [])
    if change is None:
        assert await ringback.person.triggers.remove("reminder")
    else:
        await ringback.person.triggers.apply(definition(**change), level=Level.A2, via="terminal")
    clock.move(3600)
    await ringback.telephone.tend()
    after = await ringback.telephone.status(told.id)
    assert (after.reason, len(carrier.sent)) == (rule, 0 if rule else 1)


async def test_above_the_level_of_its_application_it_allows_nothing(home: Path, carrier: FakeCarrier) -> None:
    async with opened(home, carrier) as ringback:
        caller = await crm(ringback)
        told = await ringback.triggers.fire(caller, ask(send_at=moment(ringback.clock, 60)))
    clock = FakeClock()
    async with opened(home, carrier, clock=clock, approval=ApprovalFloor.PASSKEY) as ringback:
        assert (await refusal(ringback, caller, ask(OTHER))).rule == "approval_level"
        clock.move(61)
        await ringback.telephone.tend()
        assert (await ringback.telephone.status(told.id)).reason == "approval_level"
    assert carrier.sent == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE standing_trigger SET sealed = zeroblob(80)",
        "UPDATE standing_trigger SET name = 'other'",
        "UPDATE standing_trigger SET id = 'tr_other'",
        "DELETE FROM standing_trigger",
    ],
)
async def test_a_row_that_something_else_wrote_allows_nothing(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, statement: str
) -> None:
    caller = await crm(ringback)
    told = await ringback.triggers.fire(caller, ask(send_at=moment(clock, 60)))
    edit(home, statement)
    with pytest.raises((NotFound, Refused)):
        await ringback.triggers.fire(await ringback.triggers.reminding("reminder"), ask(OTHER))
    assert (await refusal(ringback, caller, ask(OTHER))).rule == "allowance_revoked"
    clock.move(61)
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(told.id)).reason == "allowance_revoked"
    assert carrier.sent == []


async def test_a_secret_moved_to_another_trigger_or_caller_opens_nothing(ringback: Ringback, home: Path) -> None:
    secret = await applied(ringback)
    other = definition(name="other")
    await ringback.person.triggers.apply(other, level=Level.A2, via="terminal")
    edit(home, "UPDATE trigger_caller SET trigger_name = 'other'")
    with pytest.raises(Refused):
        await ringback.triggers.authorise("other", secret)


async def test_where_the_first_is_in_doubt_a_person_decides_about_the_second(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    caller = await crm(ringback)
    carrier.outcomes = [CarrierUnavailable("the answer was lost")]
    assert (await ringback.triggers.fire(caller, ask(key="1"))).status == "unknown"
    assert (await ringback.triggers.fire(caller, ask(key="2"))).status == "awaiting_approval"
    assert len(carrier.sent) == 1


async def test_what_a_person_is_asked_about_after_all_counts_against_the_limit(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    caller = await crm(ringback, limit_per_day=3)
    carrier.outcomes = [CarrierUnavailable("the answer was lost")]
    for key in "123":
        await ringback.triggers.fire(caller, ask(key=key))
    assert (await refusal(ringback, caller, ask(key="4"))).rule == "trigger_limit"
    assert rows(home, "SELECT status FROM outbound") == [("unknown",), ("awaiting_approval",), ("awaiting_approval",)]
    assert len(carrier.sent) == 1


async def test_the_file_holds_neither_number_nor_template_nor_secret(ringback: Ringback, home: Path) -> None:
    secret = await applied(ringback)
    await ringback.triggers.fire(await ringback.triggers.authorise("reminder", secret), ask())
    content = content_of(home)
    for word in (TO[1:], "See you at", secret, secret[4:]):
        assert word.encode() not in content


async def test_triggers_secrets_and_reminders_outlive_a_rotation(home: Path) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier, clock=SystemClock()) as ringback:
        secret = await applied(ringback)
        caller = await ringback.triggers.authorise("reminder", secret)
        request = ask(send_at=moment(ringback.clock, 3600), key="k", appointment=("a", "s"))
        told = await ringback.triggers.fire(caller, request)
    rotate(Settings(home=home))
    async with opened(home, carrier, clock=SystemClock()) as ringback:
        caller = await ringback.triggers.authorise("reminder", secret)
        assert (await ringback.triggers.fire(caller, request)).repeated
        (reminder,) = await ringback.ledger.triggers.reminders(caller.trigger.id, "a")
        assert (reminder.outbound_id, reminder.slot) == (told.id, ringback.ledger.triggers.slot("s"))


async def test_forgetting_a_person_forgets_of_what_they_were_reminded(ringback: Ringback, home: Path) -> None:
    caller = await crm(ringback)
    await ringback.triggers.fire(caller, ask(send_at=moment(ringback.clock, 3600), appointment=("a", "s")))
    await ringback.person.forget(TO)
    assert rows(home, "SELECT * FROM trigger_use") == []


async def test_the_command_may_use_a_trigger_only_where_the_person_named_it(ringback: Ringback) -> None:
    await applied(ringback, callers=("crm",))
    with pytest.raises(Refused) as refused:
        await ringback.triggers.reminding("reminder")
    assert refused.value.rule == "trigger_caller"
