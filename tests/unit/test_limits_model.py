"""Limits, budgets and bulk as they are written in the settings, and how they and their use are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import InvalidRequest
from ringback.model.limits import (
    MICROS,
    PERIODS_S,
    Budget,
    Bulk,
    Limit,
    Scope,
    Usage,
    read_budget,
    read_bulk,
    read_limits,
    tell_money,
)
from ringback.model.outbound import Channel
from ringback.settings import Settings


def test_the_limits_in_force_by_default() -> None:
    made = Settings.model_fields
    assert read_limits(made["limits"].default) == (
        Limit(Scope.RECIPIENT, 10, "hour"),
        Limit(Scope.RECIPIENT, 30, "day"),
        Limit(Scope.SMS, 60, "hour"),
        Limit(Scope.MMS, 30, "hour"),
        Limit(Scope.VOICE, 30, "hour"),
        Limit(Scope.ALL, 100, "hour"),
        Limit(Scope.ALL, 500, "day"),
    )
    assert read_bulk(made["bulk"].default) == Bulk(3, 3600.0)
    assert read_budget(made["budget"].default) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off", ()),
        (" OFF ", ()),
        ("all=0/day", (Limit(Scope.ALL, 0, "day"),)),
        ("all=1000000/month", (Limit(Scope.ALL, 1_000_000, "month"),)),
        (" sms = 7 / minute ,voice=1/hour", (Limit(Scope.SMS, 7, "minute"), Limit(Scope.VOICE, 1, "hour"))),
    ],
)
def test_limits_are_read_as_written(text: str, expected: tuple[Limit, ...]) -> None:
    assert read_limits(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "none", "all", "all=", "all=/hour", "all=5", "all=5/", "all=5/week", "all=5/Hour", "fax=5/hour"),
        *("all=-1/hour", "all=1.5/hour", "all=1000001/hour", "all=99999999/hour", "all=5/hour,", ",all=5/hour"),
        *("all=5/hour all=6/day", "all=\u0665/hour", "all=5/hour;sms=1/day", "off, all=5/hour", "all=5/hour/hour"),
    ],
)
def test_limits_that_cannot_be_read_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_limits(text)
    assert "recipient=5/hour" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off", ()),
        ("5 USD/day", (Budget(5 * MICROS, "USD", "day"),)),
        ("0 USD/day", (Budget(0, "USD", "day"),)),
        ("0.000001 EUR/minute", (Budget(1, "EUR", "minute"),)),
        ("999999999.999999 USD/month", (Budget(999_999_999_999_999, "USD", "month"),)),
        ("0.29USD/hour", (Budget(290_000, "USD", "hour"),)),  # a floating point number would make it 289,999
        ("5 USD/day , 50 USD / month", (Budget(5_000_000, "USD", "day"), Budget(50_000_000, "USD", "month"))),
    ],
)
def test_budgets_are_read_in_whole_millionths(text: str, expected: tuple[Budget, ...]) -> None:
    assert read_budget(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "5 USD", "5/day", "USD 5/day", "5 usd/day", "5 US/day", "5 USD/week", "-5 USD/day", "5,5 USD/day"),
        *("5.0000001 USD/day", "1000000000 USD/day", ".5 USD/day", "5 USD/day, 5 EUR/month", "5 USD/day,"),
        "\u0665 USD/day",
    ],
)
def test_budgets_that_cannot_be_read_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_budget(text)
    assert "5 USD/day" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "expected"), [("off", None), ("3/hour", Bulk(3, 3600.0)), ("1 / day", Bulk(1, 86_400.0))]
)
def test_bulk_is_read(text: str, expected: Bulk | None) -> None:
    assert read_bulk(text) == expected


@pytest.mark.parametrize("text", ["", "0/hour", "3", "3/", "/hour", "3/week", "-3/hour", "3 hour", "3/hour, 5/day"])
def test_bulk_that_cannot_be_read_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_bulk(text)
    assert "3/hour" in refused.value.hint


@given(st.sampled_from(Scope), st.integers(0, 1_000_000), st.sampled_from(sorted(PERIODS_S)))
def test_what_is_written_is_what_is_read(scope: Scope, count: int, period: str) -> None:
    (limit,) = read_limits(f"{scope}={count}/{period}")
    assert (limit.scope, limit.count, limit.period, limit.period_s) == (scope, count, period, PERIODS_S[period])


@pytest.mark.parametrize(
    ("limit", "rule", "words", "counts"),
    [
        (Limit(Scope.RECIPIENT, 5, "hour"), "limit_recipient", "5 to one person in any hour", set(Channel)),
        (Limit(Scope.RECIPIENT, 5, "day"), "limit_recipient", "5 to one person in any day", set(Channel)),
        (Limit(Scope.SMS, 5, "hour"), "limit_tool", "5 by sms in any hour", {Channel.SMS}),
        (Limit(Scope.MMS, 5, "hour"), "limit_tool", "5 by mms in any hour", {Channel.MMS}),
        (Limit(Scope.VOICE, 5, "day"), "limit_tool", "5 by voice in any day", {Channel.VOICE}),
        (Limit(Scope.ALL, 5, "minute"), "limit_minute", "5 in all in any minute", set(Channel)),
        (Limit(Scope.ALL, 5, "hour"), "limit_hour", "5 in all in any hour", set(Channel)),
        (Limit(Scope.ALL, 5, "day"), "limit_day", "5 in all in any day", set(Channel)),
        (Limit(Scope.ALL, 5, "month"), "limit_month", "5 in all in any month", set(Channel)),
    ],
)
def test_each_limit_has_its_code_its_words_and_what_it_counts(
    limit: Limit, rule: str, words: str, counts: set[Channel]
) -> None:
    assert (limit.rule, limit.words) == (rule, words)
    assert {channel for channel in Channel if limit.counts(channel)} == counts


def test_a_month_is_thirty_days_and_each_stretch_is_told_in_seconds() -> None:
    assert {period: Limit(Scope.ALL, 1, period).period_s for period in PERIODS_S} == {
        "minute": 60,
        "hour": 3600,
        "day": 86_400,
        "month": 2_592_000,
    }
    assert Budget(1, "USD", "month").period_s == 2_592_000


@pytest.mark.parametrize(
    ("usage", "left"),
    [
        (Usage(Limit(Scope.ALL, 5, "hour"), 0), 5),
        (Usage(Limit(Scope.ALL, 5, "hour"), 5, passes=False), 0),
        (Usage(Limit(Scope.ALL, 5, "hour"), 9, passes=False), 0),
        (Usage(Budget(5_000_000, "USD", "day"), 1), 4_999_999),
        (Usage(Budget(5_000_000, "USD", "day"), 6_000_000), 0),
    ],
)
def test_what_is_left_is_never_less_than_nothing(usage: Usage, left: int) -> None:
    assert usage.left == left


@pytest.mark.parametrize(
    ("micros", "told"),
    [
        (0, "0.00 USD"),
        (1, "0.000001 USD"),
        (8_300, "0.0083 USD"),
        (500_000, "0.50 USD"),
        (1_000_000, "1.00 USD"),
        (10_000_000, "10.00 USD"),
        (1_234_560, "1.23456 USD"),
        (999_999_999_999_999, "999999999.999999 USD"),
    ],
)
def test_money_is_told_with_two_decimals_at_least_and_no_more_than_needed(micros: int, told: str) -> None:
    assert tell_money(micros, "USD") == told


@given(st.integers(0, 10**15))
def test_money_that_is_told_is_the_money_that_is_read(micros: int) -> None:
    if micros < 10**15:
        assert read_budget(f"{tell_money(micros, 'EUR')}/day") == (Budget(micros, "EUR", "day"),)
