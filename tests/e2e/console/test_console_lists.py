"""The same text to many people: shown whole, answered as one, and never for somebody who was not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.desk import desk
from tests.e2e.console.many import FREE, RULES, WORDS, ask_many, form_of, members

from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in RULES.items():
        monkeypatch.setenv(name, value)


async def test_a_list_is_one_card_with_every_recipient_and_no_button_for_one_of_them(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 23)
        page = (await at.get()).text
        assert page.count("data-card ") == 1
        assert members(page) == ids
        assert form_of(page)["ids"].split(" ") == ids
        assert page.count(WORDS) == 1
        for one in range(FREE, FREE + 23):
            assert f"+1 202-555-{one:04}</span>" in page
        assert "Approve all 23" in page
        assert 'value="once"' not in page
        assert 'value="day"' not in page
        assert "And 13 more: show all" in page


async def test_the_whole_list_goes_out_after_one_yes(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        answer = await at.post(f"/lists/{ids[0]}", **form_of((await at.get()).text), choice="all")
        assert (answer.status_code, answer.headers["location"]) == (303, "/history")
        assert [outbound.text for outbound in at.carrier.sent] == [WORDS] * 4
        assert "Approved: 4 of 4." in (await at.get("/history")).text


async def test_the_same_form_sent_twice_sends_once(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        form = form_of((await at.get()).text)
        for choice in ("all", "all", "none"):
            assert (await at.post(f"/lists/{ids[0]}", **form, choice=choice)).status_code == 303
        assert len(at.carrier.sent) == 4
        assert "declined" not in {await at.status(one) for one in ids}


async def test_a_no_declines_all_of_it(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        await at.post(f"/lists/{ids[0]}", **form_of((await at.get()).text), choice="none")
        assert {await at.status(one) for one in ids} == {"declined"}
        assert at.carrier.sent == []


async def test_a_list_that_grew_since_is_shown_again_with_what_is_new_and_nothing_is_sent(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        form = form_of((await at.get()).text)
        (late,) = await ask_many(at.opened, 1, first=500)
        answer = await at.post(f"/lists/{ids[0]}", **form, choice="all")
        assert answer.status_code == 409
        assert "The list changed since you looked, so nothing was done. 1 is new and marked." in answer.text
        assert members(answer.text) == [*ids, late]
        rows = {part[:27]: part.partition("</li>")[0] for part in answer.text.split('data-member="')[1:]}
        assert [one for one, row in rows.items() if "data-new>new" in row] == [late]
        assert at.carrier.sent == []
        await at.post(f"/lists/{ids[0]}", **form_of(answer.text), choice="all")
        assert len(at.carrier.sent) == 5


async def test_a_list_that_shrank_since_is_shown_again_even_where_its_first_one_is_gone(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        form = form_of((await at.get()).text)
        await at.opened.telephone.cancel(ids[0])
        answer = await at.post(f"/lists/{ids[0]}", **form, choice="all")
        assert answer.status_code == 409
        assert "1 is gone" in answer.text
        assert members(answer.text) == ids[1:]
        assert at.carrier.sent == []


async def test_a_no_reaches_only_who_was_shown(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        form = form_of((await at.get()).text)
        (late,) = await ask_many(at.opened, 1, first=500)
        await at.post(f"/lists/{ids[0]}", **form, choice="none")
        assert {await at.status(one) for one in ids} == {"declined"}
        assert await at.status(late) == "awaiting_approval"


async def test_one_of_a_list_can_be_declined_alone_and_not_approved_alone(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 4)
        page = (await at.get(f"/outbounds/{ids[1]}")).text
        assert "Approve" not in page.partition("<main")[2]
        assert f'href="/lists/{ids[1]}"' in page
        for choice in ("once", "day"):
            assert (await at.answer(page, choice)).status_code == 409
        assert {await at.status(one) for one in ids} == {"awaiting_approval"}
        assert (await at.answer(page, "no")).status_code == 303
        assert await at.status(ids[1]) == "declined"
        assert members((await at.get()).text) == [ids[0], *ids[2:]]
        assert at.carrier.sent == []


async def test_words_in_another_dress_are_shown_with_their_own_recipients(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        plain = await ask_many(at.opened, 3)
        shouted = await ask_many(at.opened, 1, WORDS.upper() + " <script>", first=700)
        assert shouted == []  # other words make no list of their own yet
        loud = await ask_many(at.opened, 1, WORDS.upper(), first=600)
        page = (await at.get(f"/lists/{plain[0]}")).text
        assert members(page) == [*plain, *loud]
        assert "The texts differ in letters or signs" in page
        assert page.index(WORDS) < page.index(WORDS.upper())
        assert page.index(WORDS.upper()) < page.index(f'data-member="{loud[0]}"')


async def test_the_sums_are_those_of_all_recipients(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        'currency = "EUR"\n[[price]]\ncarrier = "thinkfleetbot"\nchannel = "sms"\ncountry = "US"\nunit = "segment"\n'
        'price = "0.0125"\nsource = "a contract"\nchecked = 2026-11-01\n'
    )
    async with desk(tmp_path, live=True) as at:
        await at.sign_in()
        ids = await ask_many(at.opened, 4, "W" * 161)
        page = (await at.get(f"/lists/{ids[0]}")).text
        assert "about 0.10 EUR" in page
        assert '<dt>Segments in all</dt><dd><span class="figure">8</span>' in page
        assert "4 real phones" in page


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 3, "Hi <script>alert(1)</script> \u202e4321")
        for path in ("/", f"/lists/{ids[0]}"):
            page = (await at.get(path)).text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
            assert "⟦U+202E⟧" in page
            assert "\u202e" not in page
            assert "<script>alert" not in page


async def test_a_list_that_waits_no_more_leads_to_what_became_of_it(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 3)
        for one in ids:
            await at.opened.telephone.cancel(one)
        answer = await at.get(f"/lists/{ids[0]}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/outbounds/{ids[0]}")
        assert {await at.status(one) for one in ids} == {Status.CANCELLED}
        assert (await at.get("/lists/ob_" + "a" * 24)).status_code == 404
        assert (await at.get("/lists/everything")).status_code == 404


async def test_more_than_fit_into_one_list_are_told_and_not_approved_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ringback.approvals", "ringback_server.console.lists"):
        monkeypatch.setattr(f"{module}.LONGEST_LIST", 4)
    async with desk(tmp_path, signed=False) as at:
        ids = await ask_many(at.opened, 6)
        page = (await at.get()).text
        assert members(page) == ids[:4]
        assert "2 more with the same text do not fit into one list." in page
        await at.post(f"/lists/{ids[0]}", **form_of(page), choice="all")
        assert len(at.carrier.sent) == 4
        assert members((await at.get()).text) == ids[4:]
