"""The rules on their page: what is in force, how far it is used, what was spent, and the zones that a person names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.e2e.console.conftest import TO, hidden
from tests.e2e.console.desk import desk

from ringback_server.console.plots import columns, share

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from tests.e2e.console.desk import Desk

SVG = re.compile(r"<svg [^>]*role=\"img\".*?</svg>", re.DOTALL)
PRICES = (
    'currency = "EUR"\n[[price]]\ncarrier = "sandbox"\nchannel = "sms"\ncountry = "US"\nunit = "segment"\n'
    'price = "0.25"\nsource = "a contract"\nchecked = 2026-11-01\n'
)


async def post(at: Desk, path: str, **fields: str) -> httpx2.Response:
    return await at.post(path, csrf=hidden((await at.get("/rules")).text, "csrf"), **fields)


def drawn(page: str, name: str) -> ET.Element:
    """A plot of a page, by its name."""
    (found,) = [plot for plot in SVG.findall(page) if f"{name}-title" in plot]
    return ET.fromstring(found)


def test_a_plot_of_nothing_has_no_columns() -> None:
    assert columns([]) == []
    assert columns([(0, "a"), (0, "b")]) == []


def test_the_largest_column_is_as_tall_as_the_plot_and_no_column_is_too_small_to_be_seen() -> None:
    one, two, three = columns([(1, "a"), (0, "none"), (5_000_000, "b"), (2_500_000, "c")])
    assert (one.x, one.height, one.y) == (1, 2.0, 98.0)
    assert (two.x, two.height, two.y) == (21, 100, 0)
    assert (three.x, three.height, three.y, three.words) == (31, 50, 50, "c")


@pytest.mark.parametrize(
    ("used", "of", "full"), [(0, 5, 0.0), (1, 1000, 2.0), (1, 4, 25.0), (4, 4, 100.0), (9, 4, 100.0), (0, 0, 0.0)]
)
def test_a_bar_is_full_by_its_share(used: int, of: int, full: float) -> None:
    assert share(used, of) == full


async def test_each_rule_is_told_with_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_HOURS", "09:30-20:00")
    monkeypatch.setenv("RINGBACK_COUNTRIES", "US,DE")
    monkeypatch.setenv("RINGBACK_LIMITS", "recipient=6/hour, sms=60/hour, all=500/day")
    monkeypatch.setenv("RINGBACK_BUDGET", "5 USD/day")
    monkeypatch.setenv("RINGBACK_BULK", "7/day")
    monkeypatch.setenv("RINGBACK_CALLER_NAME", "Practice <b>Example</b>")
    async with desk(tmp_path, signed=False) as at:
        page = (await at.get("/rules")).text
        assert '<strong class="figure">09:30</strong> and <strong class="figure">20:00</strong>' in page
        assert "Germany (DE), United States (US)" in page
        assert "To one person, in any hour" in page
        assert '<span class="figure">0</span> of 60' in page
        assert '<span class="figure">0.00 USD</span> of 5.00 USD' in page
        assert 'more than <strong class="figure">7</strong> people in any day' in page
        assert "calling for Practice &lt;b&gt;Example&lt;/b&gt;. To get no more calls" in page
        assert "Stricter hours by law in 26 US states" in page
        assert "do not count:" in page


async def test_what_is_off_is_told_as_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGBACK_CALLER_NAME")
    async with desk(tmp_path, live=True) as at:
        await at.sign_in()
        page = (await at.get("/rules")).text
        for words in ("No quiet hours:", "All countries", "No limits:", "No budget:", "Not looked at:"):
            assert words in page
        assert "No call goes out before it is." in page
        assert "The rules count here.</strong> Real phones ring." in page


async def test_the_lines_own_country_is_named_where_none_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGBACK_COUNTRIES")
    async with desk(tmp_path, signed=False) as at:
        assert "own country may be reached: <strong>United States</strong>" in (await at.get("/rules")).text


async def test_limits_and_money_are_drawn_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_LIMITS", "sms=4/hour, all=8/day")
    monkeypatch.setenv("RINGBACK_BUDGET", "1 EUR/day")
    monkeypatch.setenv("RINGBACK_SANDBOX_RULES", "true")
    (tmp_path / "prices.toml").write_text(PRICES)
    async with desk(tmp_path, signed=False) as at:
        for number in range(3):
            await at.agreed(f"Number {number}")
        page = (await at.get("/rules")).text
        bar = drawn(page, "at-most-1")
        assert [rect.get("width") for rect in bar.findall("rect")] == ["100", "75.0"]
        assert bar.findtext("title") == "Text messages, in any hour"
        assert bar.findtext("desc") == "3 of 4 used, 1 left"
        assert '<span class="figure">3</span> of 4' in page
        plot = drawn(page, "count-plot")
        assert [rect.findtext("title") for rect in plot.findall("rect")] == ["2026-06-01: 3"]
        await at.agreed("The fourth")
        full = (await at.get("/rules")).text
        assert re.search(r'<span class="figure">4</span> of 4 <span class="pill bad">full until', full)


async def test_money_is_drawn_by_day(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES.replace("sandbox", "thinkfleetbot"))
    async with desk(tmp_path, live=True) as at:
        await at.sign_in()
        page = (await at.get("/rules")).text
        assert drawn(page, "money-plot").findall("rect") == []
        assert "Nothing was spent" in page
        for day in range(3):
            for one in range(day + 1):
                await at.agreed(f"{day} {one}")
            at.clock.advance(86_400)
            await at.sign_in()
        page = (await at.get("/rules")).text
        found = drawn(page, "money-plot").findall("rect")
        assert [rect.findtext("title") for rect in found] == [
            "2026-06-01: 0.25 EUR",
            "2026-06-02: 0.50 EUR",
            "2026-06-03: 0.75 EUR",
        ]
        assert [rect.get("height") for rect in found] == ["33.33", "66.67", "100.0"]
        assert 'Spent in 30 days: <span class="figure">1.50 EUR</span>' in page
        assert "<td>0.75 EUR</td>" in page


async def test_every_plot_has_a_title_and_says_what_it_shows_and_nothing_has_a_style(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        page = (await at.get("/rules")).text
        plots = [ET.fromstring(plot) for plot in SVG.findall(page)]
        assert len(plots) >= 2
        for plot in plots:
            assert plot.findtext("title")
            assert plot.findtext("desc")
            named = (plot.get("aria-labelledby") or "").split()
            assert named == [part.get("id") for part in plot if part.get("id")]
        assert "style=" not in page
        assert "<style" not in page


async def test_a_zone_is_named_replaced_and_cleared(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        for zone in ("Europe/Berlin", "Asia/Tokyo"):
            assert (await post(at, "/rules/zone", number=TO, zone=zone)).status_code == 303
        page = (await at.get("/rules")).text
        assert "Stored. Their hours go by that zone from now on." in page
        assert [named.zone for named in await at.opened.person.overview.zones()] == ["Asia/Tokyo"]
        contact = hidden(page, "contact")
        assert (await post(at, "/rules/zone/clear", contact=contact)).status_code == 303
        assert await at.opened.person.overview.zones() == []
        await post(at, "/rules/zone/clear", contact=contact)
        assert "That one had been cleared before." in (await at.get("/rules")).text


@pytest.mark.parametrize(
    ("number", "zone"),
    [(TO, "Mars/Olympus"), (TO, ""), (TO, "../../etc/passwd"), (TO, "<script>"), ("12", "Asia/Tokyo"), ("", "")],
)
async def test_what_is_no_number_or_no_zone_is_told_and_not_stored(tmp_path: Path, number: str, zone: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        answer = await post(at, "/rules/zone", number=number, zone=zone)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "<script>" not in answer.text
        assert await at.opened.person.overview.zones() == []


@pytest.mark.parametrize("contact", ["", "ct_", "ct_" + "a" * 16, "+12025550123", "ct_%", "<script>"])
async def test_clearing_a_zone_of_nobody_changes_nothing(tmp_path: Path, contact: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        await post(at, "/rules/zone", number=TO, zone="Asia/Tokyo")
        assert (await post(at, "/rules/zone/clear", contact=contact)).status_code == 303
        assert len(await at.opened.person.overview.zones()) == 1
