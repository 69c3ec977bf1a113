"""Who opted out, on the page: listed, noted down, lifted with care, taken in and given out as a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.conftest import TO, hidden
from tests.e2e.console.desk import desk

from ringback.errors import Refused
from ringback.model.numbers import parse_number

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from tests.e2e.console.desk import Desk

SHOWN = "+1 202-555-0123"
CELL = re.compile(r"phone|via|since|\+[0-9]{8,15}|text|keys|page|terminal|import|carrier|[0-9]+")


async def post(at: Desk, path: str, **fields: str) -> httpx2.Response:
    return await at.post(path, csrf=hidden((await at.get("/opted-out")).text, "csrf"), **fields)


async def stop(at: Desk, via: str, number: str = TO, carrier: str | None = None) -> str:
    """Somebody opts out; by which path it is lifted."""
    await at.opened.ledger.opt_outs.begin(parse_number(number), via=via, carrier=carrier)
    found = re.search(r'href="(/opted-out/oo_[a-z2-7]{24}/lift)"', (await at.get("/opted-out")).text)
    assert found is not None
    return found[1]


async def stands(at: Desk, number: str = TO) -> bool:
    return await at.opened.ledger.opt_outs.stands(parse_number(number))


async def test_whom_a_person_notes_down_gets_nothing_and_what_waited_is_cancelled(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        waiting = await at.opened.telephone.send_sms(TO, "Soon.")
        assert (await post(at, "/opted-out", number=TO)).status_code == 303
        page = (await at.get("/opted-out")).text
        assert (
            "Noted. Nothing goes out to them any more. Cancelled, of what waited or was scheduled for them: 1." in page
        )
        assert SHOWN in page
        assert "Noted on this page" in page
        assert await at.status(waiting.id) == "cancelled"
        with pytest.raises(Refused):
            await at.opened.telephone.send_sms(TO, "Again.")
        await post(at, "/opted-out", number=TO)
        assert "They had opted out before." in (await at.get("/opted-out")).text


@pytest.mark.parametrize("number", ["", "202", "2025550123", "<script>", "+1202555012x", "9" * 64])
async def test_what_is_no_number_is_told_and_nobody_is_noted(tmp_path: Path, number: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        answer = await post(at, "/opted-out", number=number)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "<script>" not in answer.text
        assert "Nobody opted out." in answer.text


@pytest.mark.parametrize(
    ("via", "carrier", "words", "told"),
    [
        ("text", None, "They wrote a stop word", "yes"),
        ("text", "sandbox", "They wrote a stop word", "not yet"),
        ("keys", None, "They pressed *9 in a call", "no"),
        ("carrier", None, "Told the carrier, which refused", "no"),
        ("page", None, "Noted on this page", "no"),
        ("terminal", None, "Noted in a terminal", "no"),
        ("import", None, "From a list", "no"),
        ("<script>", None, "&lt;script&gt;", "no"),
    ],
)
async def test_the_list_tells_by_what_and_whether_they_heard_of_it(
    tmp_path: Path, via: str, carrier: str | None, words: str, told: str
) -> None:
    async with desk(tmp_path, signed=False) as at:
        await stop(at, via, carrier=carrier)
        (row,) = (await at.get("/opted-out")).text.partition("<tbody>")[2].split("</tr>")[:1]
        assert f'<td data-label="By what">{words}</td>' in row
        assert f">{told}</span>" in row


@pytest.mark.parametrize("via", ["text", "keys", "carrier"])
async def test_what_they_said_themselves_is_lifted_only_with_a_second_word(tmp_path: Path, via: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        path = await stop(at, via)
        page = (await at.get(path)).text
        assert "They said themselves that they want no more." in page
        assert 'name="sure"' in page
        for given in ({}, {"sure": ""}, {"sure": "yes"}):
            answer = await post(at, path, **given)
            assert answer.status_code == 422
            assert "Nothing was lifted" in answer.text
        assert await stands(at)
        assert (await post(at, path, sure="told")).status_code == 303
        assert not await stands(at)


@pytest.mark.parametrize("via", ["page", "terminal", "import"])
async def test_what_a_person_noted_is_lifted_after_a_sentence_that_says_what_it_does(tmp_path: Path, via: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        path = await stop(at, via)
        page = (await at.get(path)).text
        assert "From then on messages and calls may go to them again." in page
        assert 'name="sure"' not in page
        assert await stands(at)
        assert (await post(at, path)).status_code == 303
        assert not await stands(at)
        assert "Lifted." in (await at.get("/opted-out")).text
        assert at.carrier.sent == []


async def test_a_page_that_stayed_open_does_not_lift_what_they_said_since(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        path = await stop(at, "page")
        await at.opened.person.opt_outs.lift(TO)
        await stop(at, "text")
        await post(at, path)
        assert await stands(at)
        assert "That one had been lifted before. What you chose changed nothing." in (await at.get("/opted-out")).text
        assert (await at.get(path)).status_code == 303


@pytest.mark.parametrize("name", ["oo_" + "a" * 23, "oo_" + "A" * 24, "ob_" + "a" * 24, "+12025550123", "..", "%2e%2e"])
async def test_a_path_that_names_no_opt_out_is_none(tmp_path: Path, name: str) -> None:
    async with desk(tmp_path, signed=False) as at:
        assert (await at.get(f"/opted-out/{name}/lift")).status_code == 404
        assert (await post(at, f"/opted-out/{name}/lift", sure="told")).status_code == 404


async def test_a_list_is_taken_in_whole(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await stop(at, "page")
        text = f'name,phone\r\nSomebody,{TO}\r\n"Else, Somebody",+4915112345678\r\n'
        assert (await post(at, "/opted-out/import", list=text)).status_code == 303
        assert "Taken in. Lines: 2. New: 1. Stood before: 1." in (await at.get("/opted-out")).text
        assert await stands(at, "+4915112345678")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no numbers in it"),
        ("phone\n", "no numbers in it"),
        ("+12025550123\n12\n+4915112345678\n<script>\n", "in these lines: 2, 4."),
        ('"+12025550123', "no CSV"),
        ("+12025550123\n" * 2001, "more than 2,000 lines"),
    ],
)
async def test_a_list_that_cannot_be_read_is_told_by_line_and_nothing_of_it_is_stored(
    tmp_path: Path, text: str, words: str
) -> None:
    async with desk(tmp_path, signed=False) as at:
        answer = await post(at, "/opted-out/import", list=text)
        assert answer.status_code == 422
        assert words in answer.text
        assert "<script>" not in answer.text
        assert not await stands(at)


async def test_a_list_of_two_thousand_lines_as_it_is_given_out_fits_into_the_form(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        lines = "\r\n".join(["phone,via,since", *[f"+1202555{at:04},import,1763776000" for at in range(1999)]])
        assert (await post(at, "/opted-out/import", list=lines)).status_code == 303
        page = (await at.get("/opted-out")).text
        assert "1,999 people" in page
        assert page.count('class="who"') == 500
        assert "1,499 older ones are not shown." in page


async def test_the_list_that_is_given_out_is_taken_in_again_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        for number, via in ((TO, "text"), ("+4915112345678", "keys"), ("+442079460000", "import")):
            await at.opened.ledger.opt_outs.begin(parse_number(number), via=via)
        answer = await post(at, "/opted-out/export")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="ringback-opted-out.csv"'
        assert answer.headers["cache-control"] == "no-store"
        rows = [line.split(",") for line in answer.text.splitlines()]
        assert rows[0] == ["phone", "via", "since"]
        assert {row[0] for row in rows[1:]} == {TO, "+4915112345678", "+442079460000"}
        assert all(CELL.fullmatch(cell) for row in rows for cell in row)
    async with desk(tmp_path / "other", signed=False) as other:
        await post(other, "/opted-out/import", list=answer.text)
        assert await stands(other, "+442079460000")


async def test_a_list_with_a_cell_that_does_not_belong_there_is_not_given_out(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await stop(at, "=HYPERLINK(1)")
        answer = await post(at, "/opted-out/export")
        assert answer.status_code == 500
        assert "HYPERLINK" not in answer.text


async def test_a_conversation_tells_it_and_nothing_can_be_written_there(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        taken = await at.opened.person.conversations.take_over(TO, via="page")
        path = f"/conversations/{taken.takeover.contact}"
        before = (await at.get(path)).text
        assert "They opted out" not in before
        assert '<fieldset data-able="compose">' in before
        await stop(at, "text")
        page = (await at.get(path)).text
        assert "They opted out: they wrote a stop word" in page
        assert '<fieldset data-able="compose" disabled' in page
        assert "You cannot write to them: they opted out." in page
        fields = {name: hidden(before, name) for name in ("csrf", "nonce")}
        answer = await at.post(path, **fields, text="Just this once")
        assert answer.status_code == 409
        assert "opted out" in answer.text
        assert at.carrier.sent == []
