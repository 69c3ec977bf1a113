"""What a refusal says: to a model, word for word, for it acts on nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ringback.guards import Allow, AskPerson, Decision, Facts, Refuse, review
from ringback.guards.approval import approval
from ringback.guards.capability import capability
from ringback.guards.clock import clock
from ringback.guards.country import country
from ringback.guards.destination import destination
from ringback.guards.enabled import enabled
from ringback.guards.honest_call import honest_call
from ringback.guards.limits import budget, limits
from ringback.guards.opt_out import opt_out
from ringback.guards.quiet_hours import quiet_hours
from ringback.guards.takeover import takeover
from ringback.model.limits import Budget, Limit, Scope, Usage
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Line, Outbound

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.guards import Guard

LINE = Line("sandbox", enabled=True, live=False, number=None, capabilities=frozenset(Channel))
WISH = Outbound(Channel.MMS, PhoneNumber("+14155550123"), "sandbox", "Hello", "https://example.com/a.png")
FACTS = Facts(WISH, LINE, consented=True)
BY_HAND = replace(WISH, by_hand=True)
NOTICE = replace(WISH, notice=True)
CALL = Outbound(Channel.VOICE, WISH.to, "sandbox", "Hello")
AT_THREE = 1_773_111_600.0
"""Tuesday 10 March 2026, 03:00 UTC."""
SMS_LIMIT = Limit(Scope.SMS, 60, "hour")
DAY_BUDGET = Budget(5_000_000, "USD", "day")
LATER = replace(WISH, send_at=1_800_000_000.0)


def of_line(**changes: object) -> Facts:
    return replace(FACTS, line=replace(LINE, **changes))


def later(offset_s: float | None) -> Facts:
    return replace(of_line(clock_offset_s=offset_s), outbound=LATER)


def test_a_carrier_that_cannot_be_asked_is_told_as_that_and_waited_for() -> None:
    assert enabled(replace(FACTS, line=None)) == Refuse(
        "enabled_unknown",
        "The carrier could not be asked whether telephony is enabled, so nothing is sent.",
        "Call check-telephony; once it answers, try again.",
        passes=True,
    )


def test_a_line_that_is_switched_off_is_told_with_where_it_is_switched_on_and_not_waited_for() -> None:
    assert enabled(of_line(enabled=False)) == Refuse(
        "not_enabled",
        "Telephony is not enabled for this agent.",
        "Tell the person; it is switched on at the carrier, not here. Do not try again until then.",
    )


@pytest.mark.parametrize(
    ("facts", "offered"),
    [
        (of_line(capabilities=frozenset({Channel.VOICE, Channel.SMS})), "sms, voice"),
        (of_line(capabilities=frozenset()), "nothing"),
        (replace(FACTS, line=None), "nothing"),
    ],
)
def test_a_line_that_cannot_do_it_is_told_with_what_it_can_do(facts: Facts, offered: str) -> None:
    assert capability(facts) == Refuse(
        "no_capability",
        "This line cannot do mms.",
        f"It offers: {offered}. Use one of these, or tell the person.",
    )


def test_a_takeover_is_told_as_a_reason_to_be_silent() -> None:
    assert takeover(replace(FACTS, taken_over=True)) == Refuse(
        "human_takeover",
        "A person has taken over the conversation with this recipient.",
        "Stay silent towards them until the person gives it back. Tell the person what you wanted to say.",
    )


@pytest.mark.parametrize(
    ("offset_s", "told"),
    [
        (300.5, "5 minutes behind"),
        (-300.5, "5 minutes ahead of"),
        (7_200.0, "120 minutes behind"),
        (-86_400.0, "1440 minutes ahead of"),
    ],
)
def test_a_clock_that_is_wrong_is_told_with_how_far_and_in_which_direction(offset_s: float, told: str) -> None:
    assert clock(later(offset_s)) == Refuse(
        "clock_in_doubt",
        f"This machine's clock is {told} the carrier's; nothing is sent by it.",
        "Tell the person: the clock must be set right. What is scheduled waits until then.",
        passes=True,
    )


@pytest.mark.parametrize("offset_s", [None, 0.0, 300.0, -300.0])
def test_a_clock_that_is_right_within_five_minutes_or_unknown_stands_in_no_way(offset_s: float | None) -> None:
    assert clock(later(offset_s)) == Allow()
    assert clock(replace(later(offset_s), line=None)) == Allow()


def test_what_goes_out_at_once_needs_no_clock() -> None:
    assert clock(of_line(clock_offset_s=86_400.0)) == Allow()


@pytest.mark.parametrize(
    ("number", "rule", "words"),
    [
        ("+881612345678", "destination_satellite", "a satellite or international network number"),
        ("+16005550123", "destination_satellite", "a satellite or international network number"),
        ("+61147112345", "destination_satellite", "a satellite or international network number"),
        ("+80012345678", "destination_non_geographic", "a number that belongs to no country"),
        ("+33112", "destination_emergency", "an emergency or crisis number"),
        ("+19885551234", "destination_emergency", "an emergency or crisis number"),
        ("+18002738255", "destination_emergency", "an emergency or crisis number"),
        ("+12129115678", "destination_emergency", "an emergency number behind an area code"),
        ("+12125551212", "destination_premium", "directory assistance, which charges the caller"),
        ("+12129765555", "destination_premium", "a premium-rate number"),
        ("+376912345", "destination_premium", "a premium-rate number"),
        ("+19001234567", "destination_premium", "a premium-rate number"),
        ("+971700012345", "destination_shared_cost", "a shared-cost number"),
        ("+447012345678", "destination_personal", "a personal number that forwards at the caller's cost"),
        ("+12684061234", "destination_pager", "a pager"),
        ("+247542011", "destination_uan", "a company-wide access number"),
        ("+41860123456789", "destination_voicemail", "a voicemail access number"),
    ],
)
def test_a_number_that_is_never_reached_is_told_by_its_kind(number: str, rule: str, words: str) -> None:
    assert destination(towards(number)) == Refuse(
        rule,
        f"The number is {words}; Ringback never reaches one.",
        "Ask the person for an ordinary telephone number. There is no setting that lets this one through.",
    )


def towards(number: str, *, live: bool = False) -> Facts:
    return replace(of_line(live=live), outbound=replace(WISH, to=PhoneNumber(number)))


@pytest.mark.parametrize("number", ["+12123115678", "+12122115678", "+61147012345", "+15551234567"])
def test_a_number_that_no_telephone_can_have_is_told_as_that_where_real_phones_ring(number: str) -> None:
    assert destination(towards(number, live=True)) == Refuse(
        "destination_not_valid",
        "No telephone can have this number by its country's plan.",
        "Ask the person for the number again; a digit may be wrong.",
    )
    assert destination(towards(number)) == Allow()
    assert destination(replace(towards(number), line=None)) == Allow()


@pytest.mark.parametrize("number", ["+18005551212", "+18009115678", "+18003115678", "+12125559119", "+33170189900"])
def test_an_ordinary_number_that_looks_like_another_is_let_through(number: str) -> None:
    assert destination(towards(number, live=True)) == Allow()


@pytest.mark.parametrize(
    ("number", "allowed", "expected"),
    [
        ("+14155550123", None, Allow()),
        ("+14155550123", {"US", "CA"}, Allow()),
        (
            "+442079460958",
            {"US", "CA"},
            Refuse(
                "country_not_allowed",
                "The number belongs to GB; allowed here: CA, US.",
                "Check the number with the person. The operator can allow the country: RINGBACK_COUNTRIES.",
            ),
        ),
        (
            "+15551234567",
            {"US"},
            Refuse(
                "country_not_allowed",
                "The number belongs to no country that is known; allowed here: US.",
                "Check the number with the person. The operator can allow the country: RINGBACK_COUNTRIES.",
            ),
        ),
        (
            "+14155550123",
            set(),
            Refuse(
                "country_unknown",
                "It is not known which country this line is in, so none is allowed.",
                "Tell the person: RINGBACK_COUNTRIES names the allowed countries, for example US,CA.",
            ),
        ),
    ],
)
def test_a_country_that_is_not_allowed_is_told_with_those_that_are(
    number: str, allowed: set[str] | None, expected: Decision
) -> None:
    facts = replace(towards(number), countries=None if allowed is None else frozenset(allowed))
    assert country(facts) == expected


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_opt_out_is_told_with_how_it_ends_and_holds_for_the_person_too(by_hand: bool) -> None:
    facts = replace(FACTS, opted_out=True, outbound=replace(WISH, by_hand=by_hand))
    assert opt_out(facts) == Refuse(
        "opted_out",
        "This recipient opted out: they said that they want no messages and calls.",
        "Send them nothing, by no other way either. Tell the person; the recipient can write START to undo it.",
    )


def test_a_call_on_a_real_line_needs_a_name() -> None:
    unnamed = replace(of_line(live=True), outbound=CALL)
    assert honest_call(unnamed) == Refuse(
        "caller_unnamed",
        "A call must say on whose behalf it is made, and no name is set.",
        "Tell the person: RINGBACK_CALLER_NAME names who calls.",
    )
    assert honest_call(replace(unnamed, caller="Example Practice")) == Allow()
    assert honest_call(replace(unnamed, outbound=WISH)) == Allow()
    assert honest_call(replace(unnamed, line=LINE)) == Allow()
    assert honest_call(replace(unnamed, line=None)) == Allow()


def at_night() -> Facts:
    return replace(towards("+442079460958"), now=AT_THREE, window=(480, 1260))


def test_night_is_told_with_the_hour_there_the_rule_and_the_next_allowed_time() -> None:
    assert quiet_hours(at_night()) == Refuse(
        "quiet_hours",
        "It would be Tue 10 Mar 2026, 03:00 Europe/London where the recipient is. The rule there is 08:00-21:00. "
        "The next allowed time is Tue 10 Mar 2026, 08:00 UTC.",
        'Do not look for a way around. Call again with send_at "2026-03-10T08:00:00Z", if the person agrees.',
        retry_at=AT_THREE + 5 * 3600,
    )


def test_hours_that_nobody_can_know_are_told_with_who_can_mend_that() -> None:
    facts = replace(at_night(), outbound=replace(WISH, to=PhoneNumber("+15551234567")))
    assert quiet_hours(facts) == Refuse(
        "hours_unknown",
        "It is not known what time it is where this number is, so it counts as night.",
        "Tell the person; they can name the recipient's time zone: ringback zones set",
    )
    assert quiet_hours(replace(facts, zone="Asia/Tokyo")) == Allow()  # it is noon there
    assert isinstance(quiet_hours(replace(facts, zone="America/New_York")), Refuse)


def test_zones_that_share_no_hour_are_told_as_that() -> None:
    facts = replace(at_night(), outbound=replace(WISH, to=PhoneNumber("+18002255288")), window=(480, 540))
    assert quiet_hours(facts) == Refuse(
        "quiet_hours",
        "It would be between Mon 9 Mar 2026, 16:00 Pacific/Pago_Pago and Tue 10 Mar 2026, 13:00 Pacific/Guam there. "
        "The rule is 08:00-09:00, and its zones share no such time soon.",
        "Tell the person; they can name the recipient's time zone: ringback zones set",
    )


def test_hours_are_those_of_the_moment_at_which_it_goes_out() -> None:
    noon = replace(at_night().outbound, send_at=AT_THREE + 9 * 3600)
    assert quiet_hours(replace(at_night(), outbound=noon)) == Allow()
    overdue = replace(noon, send_at=AT_THREE - 9 * 3600)
    assert isinstance(quiet_hours(replace(at_night(), outbound=overdue)), Refuse)
    assert quiet_hours(replace(at_night(), window=None)) == Allow()


def test_the_operators_own_hours_take_the_place_of_ours(tmp_path: Path) -> None:
    louisiana = replace(WISH, to=PhoneNumber("+15045550123"))
    sunday_evening = replace(at_night(), outbound=louisiana, now=datetime(2026, 11, 23, 2, 30, tzinfo=UTC).timestamp())
    assert isinstance(quiet_hours(sunday_evening), Refuse)
    presets = tmp_path / "hours.toml"
    presets.write_text("jurisdiction = []")
    assert quiet_hours(replace(sunday_evening, presets=presets)) == Allow()


@pytest.mark.parametrize(
    ("cap", "rule", "words"),
    [
        (Limit(Scope.RECIPIENT, 3, "hour"), "limit_recipient", "3 to one person in any hour"),
        (SMS_LIMIT, "limit_tool", "60 by sms in any hour"),
        (Limit(Scope.ALL, 100, "hour"), "limit_hour", "100 in all in any hour"),
        (Limit(Scope.ALL, 500, "day"), "limit_day", "500 in all in any day"),
    ],
)
def test_a_limit_is_told_with_when_the_next_one_passes_in_whole_seconds(cap: Limit, rule: str, words: str) -> None:
    used = Usage(cap, cap.count, passes=False, free_at=AT_THREE + 3600.4)
    assert limits(replace(FACTS, usage=(Usage(DAY_BUDGET, 0, passes=False), used))) == Refuse(
        rule,
        f"The limit is reached: at most {words}. The next one passes from Tue 10 Mar 2026, 04:00:01 UTC on.",
        'Do not look for a way around. Call again with send_at "2026-03-10T04:00:01Z", if the person still wants it.',
        retry_at=AT_THREE + 3601,
    )


def test_a_limit_of_none_is_told_as_one_that_never_passes() -> None:
    used = Usage(Limit(Scope.RECIPIENT, 0, "hour"), 0, passes=False)
    assert limits(replace(FACTS, usage=(used,))) == Refuse(
        "limit_recipient",
        "The limit is reached: at most 0 to one person in any hour. It never passes.",
        "Tell the person; the operator sets the limits.",
    )


def test_a_budget_is_told_with_what_is_left_of_it() -> None:
    used = Usage(DAY_BUDGET, 4_992_500, passes=False, free_at=AT_THREE + 3600.0)
    assert budget(replace(FACTS, price=8_000, usage=(Usage(SMS_LIMIT, 60, passes=False), used))) == Refuse(
        "budget_spent",
        "The budget does not allow it: 0.0075 USD is left of 5.00 USD in any day. "
        "The next one passes from Tue 10 Mar 2026, 04:00 UTC on.",
        'Do not look for a way around. Call again with send_at "2026-03-10T04:00:00Z", if the person still wants it.',
        retry_at=AT_THREE + 3600,
    )


def test_what_costs_nobody_knows_how_much_passes_no_budget() -> None:
    facts = replace(FACTS, price=None, usage=(Usage(DAY_BUDGET, 0, passes=False),))
    assert budget(facts) == Refuse(
        "price_unknown",
        "There is a budget, and the price table does not tell what this would cost.",
        "Tell the person: prices.toml in the data folder can name the price.",
    )
    assert budget(replace(facts, usage=(Usage(SMS_LIMIT, 0),))) == Allow()
    assert budget(replace(facts, usage=(Usage(DAY_BUDGET, 0),), price=0)) == Allow()


REFUSED_TO_THE_AGENT = replace(
    at_night(),
    taken_over=True,
    price=None,
    usage=(Usage(SMS_LIMIT, 60, passes=False), Usage(DAY_BUDGET, 0, passes=False)),
)


@pytest.mark.parametrize("guard", [takeover, quiet_hours, limits, budget])
@pytest.mark.parametrize("exempt", [BY_HAND, NOTICE])
def test_what_a_person_writes_and_the_confirmation_of_an_opt_out_go_past_what_only_binds_the_agent(
    guard: Guard, exempt: Outbound
) -> None:
    assert isinstance(guard(REFUSED_TO_THE_AGENT), Refuse)
    assert (
        guard(replace(REFUSED_TO_THE_AGENT, outbound=replace(exempt, to=REFUSED_TO_THE_AGENT.outbound.to))) == Allow()
    )


def test_the_confirmation_of_an_opt_out_reaches_whoever_opted_out_in_any_country() -> None:
    facts = replace(FACTS, outbound=NOTICE, opted_out=True, countries=frozenset({"GB"}))
    assert [opt_out(facts), country(facts)] == [Allow(), Allow()]


def test_without_a_persons_yes_a_person_is_asked_and_with_it_nobody() -> None:
    assert approval(FACTS) == Allow()
    assert approval(replace(FACTS, consented=False)) == AskPerson()


def test_a_preview_names_what_each_guard_says_in_order() -> None:
    said = review(replace(FACTS, consented=False, taken_over=True))
    assert [name for name, decision in said if decision != Allow()] == ["takeover", "approval"]
    assert said[-1] == ("approval", AskPerson())
    assert len(said) == 12
