"""The guards: what each refuses at its boundaries, in which order, and whom the destination guard lets through."""

from __future__ import annotations

from dataclasses import replace

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback.guards import GUARDS, Allow, AskPerson, Decision, Facts, Refuse, decide
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Line, Outbound

TO = "+14155550123"
LINE = Line("sandbox", enabled=True, live=False, number=None, capabilities=frozenset(Channel))
LIVE = replace(LINE, live=True)


def facts(to: str = TO, *, line: Line | None = LINE, consented: bool = True, channel: Channel = Channel.SMS) -> Facts:
    media = "https://example.com/a.png" if channel is Channel.MMS else None
    return Facts(Outbound(channel, PhoneNumber(to), "sandbox", "Hello", media), line, consented)


def rule(decision: Decision) -> str:
    return decision.rule if isinstance(decision, Refuse) else type(decision).__name__


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts(), "Allow"),
        (facts(consented=False), "AskPerson"),
        (facts(line=None), "enabled_unknown"),
        (facts(line=None, consented=False), "enabled_unknown"),
        (facts(line=replace(LINE, enabled=False)), "not_enabled"),
        (facts(line=replace(LINE, enabled=False), consented=False), "not_enabled"),
        (facts(line=replace(LINE, capabilities=frozenset())), "no_capability"),
        (facts(line=replace(LINE, capabilities=frozenset({Channel.VOICE}))), "no_capability"),
        (facts(channel=Channel.VOICE, line=replace(LINE, capabilities=frozenset({Channel.SMS}))), "no_capability"),
        (facts(channel=Channel.MMS, line=replace(LINE, capabilities=frozenset({Channel.SMS}))), "no_capability"),
        (facts(channel=Channel.MMS, line=replace(LINE, capabilities=frozenset({Channel.MMS}))), "Allow"),
        (facts(line=replace(LINE, enabled=False, capabilities=frozenset())), "not_enabled"),
        (facts("+19005551234", line=None), "destination_premium"),
        (facts("+19005551234", line=replace(LINE, enabled=False)), "destination_premium"),
        (facts("+19005551234", consented=False), "destination_premium"),
        (facts("+15551234567", line=LIVE), "destination_not_valid"),
        (facts("+15551234567", line=replace(LIVE, enabled=False)), "destination_not_valid"),
        (facts("+15551234567"), "Allow"),
    ],
)
def test_the_first_rule_in_the_way_decides(given: Facts, expected: str) -> None:
    assert rule(decide(given)) == expected


def test_a_refusal_needs_no_consent_and_no_consent_lifts_it() -> None:
    for number in ("+19005551234", "+881612345678", "+80012345678"):
        assert rule(decide(facts(number, consented=True))) == rule(decide(facts(number, consented=False)))


def test_the_guards_are_pure_and_ask_the_destination_first_and_the_person_last() -> None:
    assert [guard.__name__ for guard in GUARDS] == [
        "destination",
        "enabled",
        "capability",
        "country",
        "opt_out",
        "takeover",
        "honest_call",
        "clock",
        "quiet_hours",
        "limits",
        "budget",
        "approval",
    ]
    assert [guard(facts()) for guard in GUARDS] == [Allow()] * len(GUARDS)
    assert GUARDS[-1](facts(consented=False)) == AskPerson()


def test_no_refusal_repeats_the_number_or_the_text() -> None:
    refused = [facts("+19005551234"), facts("+15551234567", line=LIVE), facts(line=None), facts("+881612345678")]
    for given in refused:
        told = repr(decide(given))
        assert given.outbound.to.e164[-7:] not in told
        assert "Hello" not in told


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+19005551234", "destination_premium"),
        ("+19009765432", "destination_premium"),
        ("+12129765432", "destination_premium"),  # exchange 976
        ("+18769765432", "destination_premium"),  # the plan is one, whatever the country
        ("+449098790000", "destination_premium"),
        ("+499001654321", "destination_premium"),
        ("+881612345678", "destination_satellite"),
        ("+870773123456", "destination_satellite"),
        ("+882342034567", "destination_satellite"),
        ("+883510012345", "destination_satellite"),
        ("+80012345678", "destination_non_geographic"),
        ("+80812345678", "destination_non_geographic"),
        ("+878101234567890", "destination_non_geographic"),
        ("+88812345678", "destination_non_geographic"),
        ("+979123456789", "destination_non_geographic"),
        ("+19115551234", "destination_emergency"),
        ("+11125550123", "destination_emergency"),
        ("+449991234567", "destination_emergency"),
        ("+4918012345", "destination_shared_cost"),
        ("+447012345678", "destination_personal"),
        ("+447640123456", "destination_pager"),
        ("+445512345678", "destination_uan"),
        ("+41860123456789", "destination_voicemail"),
    ],
)
def test_a_number_of_a_forbidden_kind_is_never_reached(number: str, expected: str) -> None:
    for line in (LINE, LIVE, None):
        assert rule(decide(facts(number, line=line))) == expected


@pytest.mark.parametrize(
    "number",
    [
        "+33172345678",  # Paris: 17 is the police, 15 the ambulance, 18 the fire brigade
        "+33155345678",
        "+33188345678",
        "+33112345678",
        "+442079460958",
        "+14155552671",
        "+12129867543",  # 976 only counts as an exchange
        "+12125550976",
        "+18005551212",  # free of charge to the caller
        "+4930123456",
        "+819012345678",
        "+61412345678",
        "+8613812345678",
    ],
)
def test_an_ordinary_number_that_only_looks_like_a_forbidden_one_is_let_through(number: str) -> None:
    assert rule(decide(facts(number))) == "Allow"


def examples(*kinds: int) -> list[str]:
    regions = [*sorted(phonenumbers.SUPPORTED_REGIONS)]
    found = [phonenumbers.example_number_for_type(region, kind) for region in regions for kind in kinds]
    return [phonenumbers.format_number(value, PhoneNumberFormat.E164) for value in found if value is not None]


def test_nearly_every_countrys_example_of_an_ordinary_number_is_let_through_on_a_live_line() -> None:
    ordinary = examples(PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    assert len(ordinary) > 480
    refused = [number for number in ordinary if rule(decide(facts(number, line=LIVE))) != "Allow"]
    assert len(refused) <= len(ordinary) * 0.005, refused


@pytest.mark.parametrize(
    "kind",
    [
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    ],
)
def test_every_countrys_example_of_a_special_number_is_refused(kind: int) -> None:
    special = examples(kind)
    assert special
    allowed = [number for number in special if not isinstance(decide(facts(number, line=LIVE)), Refuse)]
    assert allowed == []


def test_every_countrys_emergency_numbers_are_refused_behind_its_country_code() -> None:
    short = {"112", "911", "999", "110", "119", "000", "117", "118", "190", "191", "192", "193"}
    passed = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        for digits in short:
            if phonenumbers.is_emergency_number(digits, region):
                number = PhoneNumber(f"+{code}{digits}")
                try:
                    decision = decide(facts(number.e164))
                except phonenumbers.NumberParseException:
                    continue  # so short that nothing parses it
                if not isinstance(decision, Refuse):
                    passed.append(number.e164)
    assert passed == []


def test_every_non_geographic_country_code_is_refused() -> None:
    codes = phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    values = [phonenumbers.example_number_for_non_geo_entity(code) for code in sorted(codes)]
    numbers = [phonenumbers.format_number(value, PhoneNumberFormat.E164) for value in values if value is not None]
    assert len(numbers) >= 8
    assert all(isinstance(decide(facts(number)), Refuse) for number in numbers)
