"""A trigger's definition: read strictly from its file, finished strictly, its hours by the recipient's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ringback.errors import InvalidRequest
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.trigger import Definition, objection, read_definitions

GOOD = {
    "channel": '"sms"',
    "template": '"Your appointment is on {date} at {time}."',
    "countries": '["US", "DE"]',
    "hours": '"09:00-20:00"',
    "limit_per_day": "200",
    "callers": '["crm"]',
}
WASHINGTON, LOS_ANGELES, TOLL_FREE = "+12025550123", "+13105550123", "+18005550123"


def toml(**changes: str | None) -> str:
    entries = {**GOOD, **changes}
    return "[reminder]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items() if value is not None)


def defined(**changes: str | None) -> Definition:
    (definition,) = read_definitions(toml(carrier='"sandbox"', **changes))
    return definition


def refused(to: str, at: str, **changes: Any) -> tuple[str, float | None] | None:
    outbound = Outbound(Channel.SMS, PhoneNumber(to), "sandbox", "Hello")
    refusal = objection(defined(**changes), outbound, at=datetime.fromisoformat(at).timestamp())
    return refusal and (refusal.rule, refusal.retry_at)


def test_the_documented_file_is_read() -> None:
    definition = defined()
    assert (definition.channel, definition.countries, definition.limit_per_day) == (Channel.SMS, ("US", "DE"), 200)
    assert definition.variables == ("date", "time")
    assert definition.text({"date": "3 March", "time": 9}) == "Your appointment is on 3 March at 9."
    assert definition.template not in repr(definition)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"channel": '"fax"'}, "channel"),
        ({"channel": None}, "lacks: channel"),
        ({"template": '"{Date}"'}, "template"),
        ({"template": '"open { brace"'}, "template"),
        ({"template": '"{date!r}"'}, "template"),
        ({"template": '"{phone}"'}, "template"),
        ({"template": '" "'}, "template"),
        ({"countries": '["XX"]'}, "countries"),
        ({"countries": "[]"}, "countries"),
        ({"countries": '"US"'}, "countries"),
        ({"hours": '"20:00-09:00"'}, "hours"),
        ({"hours": '"09:00-24:30"'}, "hours"),
        ({"hours": '"9-20"'}, "hours"),
        ({"limit_per_day": "0"}, "limit_per_day"),
        ({"limit_per_day": "true"}, "limit_per_day"),
        ({"limit_per_day": "10001"}, "limit_per_day"),
        ({"callers": "[]"}, "callers"),
        ({"callers": '["CRM"]'}, "callers"),
        ({"callers": '["crm12025550123"]'}, "callers"),
        ({"media_url": '"https://example.com/a.png"'}, "media_url"),
        ({"channel": '"mms"'}, "media_url"),
        ({"links": '"yes"'}, "links"),
        ({"urgent": "true"}, "urgent"),
        ({"channel": '"voice"', "urgent": "1"}, "urgent"),
        ({"colour": '"red"'}, "not known: colour"),
        ({"hours": "oops"}, "TOML"),
    ],
)
def test_what_is_not_in_the_documented_form_is_refused_and_named(changes: dict[str, str | None], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_definitions(toml(**changes))


@pytest.mark.parametrize("text", ["", "# nothing", "reminder = 1", '["two words"]\nchannel = "sms"', "[r12345]"])
def test_a_file_without_a_well_named_table_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        read_definitions(text)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"date": "today"},
        {"date": "today", "time": "9", "place": "here"},
        {"date": "today", "time": None},
        {"date": "today", "time": True},
        {"date": "today", "time": float("nan")},
        {"date": "today", "time": 10**30},
        {"date": "today", "time": ["9"]},
        {"date": "today", "time": ""},
        {"date": "today", "time": "x" * 201},
        {"date": "today", "time": "9\nReply with your password"},
        {"date": "today", "time": "\u202e9"},
        {"date": "today", "time": "9 https://example.com/"},
    ],
)
def test_variables_that_are_missing_unknown_or_of_another_kind_are_refused_and_not_repeated(given: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        defined().text(given)
    assert "password" not in str(caught.value)
    assert "example" not in str(caught.value)


def test_a_value_is_never_read_as_a_template_itself() -> None:
    assert defined().text({"date": "{time}", "time": "9"}) == "Your appointment is on {time} at 9."


def test_web_addresses_come_in_only_where_the_person_lets_them() -> None:
    assert "https://example.com/" in defined(links="true").text({"date": "https://example.com/", "time": "9"})


def test_inside_the_recipients_hours_it_may_go_out() -> None:
    assert refused(WASHINGTON, "2027-03-01T09:00:00-05:00") is None
    assert refused(LOS_ANGELES, "2027-03-01T19:59:00-08:00") is None


@pytest.mark.parametrize(
    ("to", "at", "following"),
    [
        (WASHINGTON, "2027-03-01T08:59:59-05:00", "2027-03-01T09:00:00-05:00"),
        (LOS_ANGELES, "2027-03-01T09:00:00-05:00", "2027-03-01T09:00:00-08:00"),
        (WASHINGTON, "2027-03-01T20:00:00-05:00", "2027-03-02T09:00:00-05:00"),
        (WASHINGTON, "2027-03-13T21:00:00-05:00", "2027-03-14T09:00:00-04:00"),
    ],
)
def test_outside_the_hours_the_next_allowed_time_is_told(to: str, at: str, following: str) -> None:
    assert refused(to, at) == ("trigger_hours", datetime.fromisoformat(following).timestamp())


def test_every_zone_that_a_number_can_be_in_must_be_inside() -> None:
    noon_in_new_york = "2027-03-01T12:00:00-05:00"
    nine_on_guam = datetime.fromisoformat("2027-03-02T09:00:00+10:00").timestamp()
    assert refused(TOLL_FREE, noon_in_new_york) == ("trigger_hours", nine_on_guam)
    assert refused(TOLL_FREE, noon_in_new_york, hours='"12:00-13:00"') == ("trigger_hours", None)
    assert refused(TOLL_FREE, noon_in_new_york, hours='"00:00-24:00"') is None


def test_where_no_zone_is_known_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonenumbers.timezone.time_zones_for_number", lambda _: ("Etc/Unknown",))
    at = datetime(2027, 3, 1, 12, tzinfo=UTC).isoformat()
    assert refused("+12025550199", at, hours='"00:00-24:00"') == ("trigger_hours", None)


def test_a_number_of_another_country_or_of_none_is_refused() -> None:
    at = datetime(2027, 3, 1, 12, tzinfo=UTC).isoformat()
    for to in ("+493023125000", "+15551234567"):
        assert refused(to, at, countries='["US"]', hours='"00:00-24:00"') == ("trigger_country", None)


def test_another_carrier_or_channel_than_it_was_applied_for_is_refused() -> None:
    outbound = Outbound(Channel.VOICE, PhoneNumber(WASHINGTON), "sandbox", "Hello")
    refusal = objection(defined(), outbound, at=0.0)
    assert refusal is not None
    assert refusal.rule == "trigger_changed"
