"""What an outbound costs: whole millionths, by a table that says where each price is from; `unknown` otherwise."""

import re
from datetime import date
from pathlib import Path

import pytest

from ringback.errors import ConfigurationError
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Outbound
from ringback.model.prices import PriceTable, actual_call, estimate, merged, read_prices, shipped_prices

US, CA, GB, DE, FICTION = "+14155550123", "+16135550123", "+447400123456", "+4915123456789", "+15551234567"
DOCS = Path(__file__).parents[2] / "docs/prices.md"

GOOD = {
    "carrier": '"twilio"',
    "channel": '"sms"',
    "country": '"US"',
    "unit": '"segment"',
    "price": '"0.0083"',
    "source": '"a contract"',
    "checked": "2026-11-22",
}


def entry(**changed: str) -> str:
    lines = {name: value for name, value in {**GOOD, **changed}.items() if value}
    return "[[price]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items()) + "\n"


def table(*entries: str, currency: str = "USD") -> PriceTable:
    return read_prices(f'currency = "{currency}"\n' + "\n".join(entries or (entry(),)))


def outbound(text: str = "Hello", *, to: str = US, channel: Channel = Channel.SMS, carrier: str = "twilio") -> Outbound:
    media = "https://example.com/a.png" if channel is Channel.MMS else None
    return Outbound(channel, parse_number(to), carrier, text, media)


VOICE = entry(channel='"voice"', unit='"minute"', price='"0.014"')
MMS = entry(channel='"mms"', unit='"message"', price='"0.022"')


@pytest.mark.parametrize(
    ("text", "micros", "words"),
    [
        ("a", 8_300, "about 0.0083 USD: 1 segment at 0.0083"),
        ("a" * 160, 8_300, "about 0.0083 USD: 1 segment at 0.0083"),
        ("a" * 161, 16_600, "about 0.0166 USD: 2 segments at 0.0083"),
        ("ж" * 71, 16_600, "about 0.0166 USD: 2 segments at 0.0083"),
        ("a" * 1600, 91_300, "about 0.0913 USD: 11 segments at 0.0083"),
    ],
)
def test_a_text_costs_its_segments(text: str, micros: int, words: str) -> None:
    cost = estimate(table(), outbound(text))
    assert (cost.micros, cost.currency, cost.words) == (micros, "USD", words)


def test_an_mms_is_one_message_however_long_its_text() -> None:
    cost = estimate(table(entry(), MMS), outbound("a" * 1000, channel=Channel.MMS))
    assert (cost.micros, cost.words) == (22_000, "about 0.022 USD: 1 message at 0.022")


@pytest.mark.parametrize(("length", "minutes"), [(1, 1), (900, 1), (901, 2), (1800, 2), (1801, 3), (4096, 5)])
def test_a_call_is_taken_to_last_as_long_as_its_text_at_fifteen_characters_a_second(length: int, minutes: int) -> None:
    cost = estimate(table(VOICE), outbound("a" * length, channel=Channel.VOICE))
    assert cost.micros == minutes * 14_000
    assert cost.words.endswith(f": {minutes} minute{'s' if minutes > 1 else ''} at 0.014")


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 0), (0.2, 1), (59.9, 1), (60, 1), (60.5, 2), (61, 2), (120, 2), (3601, 61)]
)
def test_a_call_that_has_ended_costs_its_begun_minutes(seconds: float, minutes: int) -> None:
    cost = actual_call(table(VOICE), outbound("a" * 4096, channel=Channel.VOICE), seconds)
    assert cost.micros == minutes * 14_000


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_length_that_is_none_makes_the_cost_unknown(seconds: float) -> None:
    cost = actual_call(table(VOICE), outbound(channel=Channel.VOICE), seconds)
    assert (cost.micros, cost.words) == (None, "unknown: the carrier told no length of the call")


@pytest.mark.parametrize("channel", list(Channel))
def test_the_sandbox_costs_nothing_even_where_a_table_says_otherwise(channel: Channel) -> None:
    own = table(entry(carrier='"sandbox"', country='"*"'))
    cost = estimate(own, outbound(channel=channel, carrier="sandbox"))
    assert (cost.micros, cost.words) == (0, "nothing: the sandbox")
    assert actual_call(own, outbound(channel=channel, carrier="sandbox"), 600).micros == 0


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (outbound(to=DE, carrier="teli"), "unknown: no SMS price for Teli to DE in prices.toml"),
        (outbound(channel=Channel.MMS), "unknown: no MMS price for Twilio to US in prices.toml"),
        (outbound(channel=Channel.VOICE), "unknown: no call price for Twilio to US in prices.toml"),
        (outbound(carrier="thinkfleetbot"), "unknown: no SMS price for ThinkFleetBot to US in prices.toml"),
        (outbound(to=CA), "unknown: no SMS price for Twilio to CA in prices.toml"),
        (outbound(to=FICTION), "unknown: no SMS price for Twilio to a number of no known country in prices.toml"),
    ],
)
def test_what_the_table_does_not_tell_is_unknown_and_never_nothing(wish: Outbound, words: str) -> None:
    cost = estimate(table(), wish)
    assert (cost.micros, cost.words) == (None, words)


def test_neither_the_number_nor_the_text_is_in_the_words() -> None:
    for known in (table(), table(entry(country='"GB"'))):
        words = estimate(known, outbound("Geheim")).words
        assert "Geheim" not in words
        assert "4155550123" not in words


def test_anywhere_stands_for_a_country_without_an_entry_and_for_none_that_is_known() -> None:
    both = table(entry(), entry(country='"*"', price='"0.5"'))
    assert estimate(both, outbound()).micros == 8_300
    assert estimate(both, outbound(to=DE)).micros == 500_000
    assert estimate(both, outbound(to=FICTION)).micros == 500_000
    assert estimate(both, outbound(to=DE, carrier="teli")).micros is None


@pytest.mark.parametrize(
    ("price", "micros", "told"),
    [
        ("0", 0, "0"),
        ("0.000001", 1, "0.000001"),
        ("0.000249", 249, "0.000249"),  # as a floating point number it would be a millionth less
        ("0.1", 100_000, "0.1"),
        ("0.0140", 14_000, "0.014"),
        ("10", 10_000_000, "10"),
        ("1.10", 1_100_000, "1.1"),
        ("999999.999999", 999_999_999_999, "999999.999999"),
    ],
)
def test_a_price_is_kept_to_the_last_decimal(price: str, micros: int, told: str) -> None:
    cost = estimate(table(entry(price=f'"{price}"')), outbound())
    assert (cost.micros, cost.words) == (micros, f"about {told} USD: 1 segment at {told}")


def test_an_entry_keeps_where_it_is_from() -> None:
    (price,) = table(entry(dated="2026-10-01", note='"net"')).prices
    assert (price.source, price.checked, price.dated, price.note) == (
        "a contract",
        date(2026, 11, 22),
        date(2026, 10, 1),
        "net",
    )
    assert table().prices[0].dated is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "currency is not three capital letters"),
        ('currency = "usd"', "currency is not three capital letters"),
        ("currency = 5", "currency is not three capital letters"),
        ("currency = ", "It is no TOML"),
        pytest.param("a = " + "[" * 5000, "It is no TOML", id="nested too deep"),
        ('currency = "USD"\nprices = []', "It has entries that are not known: 'prices'."),
        ('currency = "USD"\nprice = 5', "price is not a list of tables"),
        ('currency = "USD"\nprice = [5]', "price is not a list of tables"),
        ('currency = "USD"\n[price]\ncarrier = "a"', "price is not a list of tables"),
    ],
)
def test_a_file_in_another_form_is_refused_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)) as raised:
        read_prices(text)
    assert "docs/prices.md" in raised.value.hint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"carrier": ""}, "lacks: carrier."),
        ({"source": "", "checked": ""}, "lacks: source, checked."),
        ({"preis": '"1"'}, "has entries that are not known: 'preis'."),
        ({"carrier": '"Twilio"'}, "carrier is not a name in lower case"),
        ({"carrier": "5"}, "carrier is not a name in lower case"),
        ({"channel": '"fax"'}, "channel is none of"),
        ({"channel": "[]"}, "channel is none of"),
        ({"country": '"us"'}, "country is neither"),
        ({"country": '"UK"'}, "country is neither"),
        ({"country": '"001"'}, "country is neither"),
        ({"country": '["US"]'}, "country is neither"),
        ({"unit": '"message"'}, 'the unit of sms is "segment".'),
        ({"channel": '"voice"'}, 'the unit of voice is "minute".'),
        ({"unit": "1"}, 'the unit of sms is "segment".'),
        ({"price": "0.0083"}, "price is not in quotes"),
        ({"price": "1"}, "price is not in quotes"),
        ({"price": '"-1"'}, "price is not a decimal number"),
        ({"price": '"0,5"'}, "price is not a decimal number"),
        ({"price": '"1e-3"'}, "price is not a decimal number"),
        ({"price": '"NaN"'}, "price is not a decimal number"),
        ({"price": '".5"'}, "price is not a decimal number"),
        ({"price": '"0.0000001"'}, "price is not a decimal number"),
        ({"price": '"1234567"'}, "price is not a decimal number"),
        ({"price": '"\u0661"'}, "price is not a decimal number"),
        ({"source": '" "'}, "source is not a text."),
        ({"source": "5"}, "source is not a text."),
        ({"note": "5"}, "note is not a text."),
        ({"checked": '"2026-11-22"'}, "checked is not a date"),
        ({"checked": "2026-11-22T10:00:00Z"}, "checked is not a date"),
        ({"dated": "2026"}, "dated is not a date"),
    ],
)
def test_an_entry_in_another_form_is_refused_by_its_number(changed: dict[str, str], message: str) -> None:
    wrong = entry(**{"country": '"GB"', **changed})
    with pytest.raises(ConfigurationError, match="Price 2" + r".*" + re.escape(message)):
        table(entry(), wrong)


def test_two_prices_for_the_same_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="Prices 1 and 3 are both for twilio, sms, US"):
        table(entry(), entry(country='"GB"'), entry(price='"1"'))


def test_an_own_table_replaces_the_shipped_one_entry_by_entry() -> None:
    shipped = table(entry(), entry(country='"CA"'), entry(country='"GB"'))
    own = table(entry(country='"CA"', price='"0.0165"'), entry(carrier='"teli"', country='"*"', price='"0.02"'))
    both = merged(own, shipped)
    assert estimate(both, outbound()).micros == 8_300
    assert estimate(both, outbound(to=CA)).micros == 16_500
    assert estimate(both, outbound(to=DE, carrier="teli")).micros == 20_000
    assert len(both.prices) == 4


def test_a_shipped_price_of_a_country_goes_before_an_own_one_for_anywhere() -> None:
    both = merged(table(entry(country='"*"', price='"9"')), table(entry()))
    assert estimate(both, outbound()).micros == 8_300
    assert estimate(both, outbound(to=DE)).micros == 9_000_000


def test_nothing_is_converted_so_another_currency_leaves_the_shipped_prices_out() -> None:
    both = merged(table(entry(country='"CA"'), currency="EUR"), table(entry()))
    assert (both.currency, len(both.prices)) == ("EUR", 1)
    assert estimate(both, outbound()).micros is None
    assert estimate(both, outbound()).currency == "EUR"


@pytest.mark.parametrize(
    ("to", "channel", "micros"),
    [
        (US, Channel.SMS, 8_300),
        (US, Channel.MMS, 22_000),
        (US, Channel.VOICE, 14_000),
        (CA, Channel.SMS, 8_300),
        (GB, Channel.SMS, 56_000),
        (DE, Channel.SMS, 112_000),
        (DE, Channel.VOICE, None),
        (GB, Channel.MMS, None),
    ],
)
def test_the_shipped_prices_are_those_that_were_found_and_no_others(
    to: str, channel: Channel, micros: int | None
) -> None:
    assert estimate(shipped_prices(), outbound(to=to, channel=channel)).micros == micros


def test_each_shipped_price_tells_its_source_and_when_it_was_looked_at() -> None:
    prices = shipped_prices().prices
    assert prices
    for price in prices:
        assert price.source.startswith("https://www.twilio.com/")
        assert price.country.lower() == price.source.rsplit("/", 1)[-1]
        assert price.dated is None or price.dated <= price.checked


def test_the_table_in_the_documentation_can_be_read() -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    both = merged(read_prices(example), shipped_prices())
    assert estimate(both, outbound(to=CA)).micros == 16_500
    assert estimate(both, outbound(to=DE, carrier="teli")).micros == 20_000
