"""Opt-out lists: whatever an operator's table looks like, it is taken in whole or not at all, and given out again."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback_support.installation import content_of, opened
from tests.e2e.privacy.needles import Needles, seeds

from ringback import opting_out
from ringback.clock import SystemClock
from ringback.errors import InvalidNumber, InvalidRequest, Refused
from ringback.opting_out import Imported, Noted, read_list
from ringback.rotation import rotate
from ringback.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.opening import Ringback

ONE, TWO, THREE = "+12025550101", "+12025550102", "+442079460103"


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE}\r\n{TWO}",
        f"\ufeff{ONE}\n{TWO}\n",
        f"\n\n{ONE}\n , \n{TWO}\n\n",
        f" {ONE} \n{TWO}",
        f"phone\n{ONE}\n{TWO}\n",
        f"Name, Phone \nAnn,{ONE}\nBob,{TWO}\n",
        f'id,NUMBER,note\n1,{ONE},"a, b"\n2,{TWO},"c\nd"\n',
        f"to\n{ONE}\n{TWO}",
        f"a,phone_number\n,{ONE}\n,{TWO}",
        f"number,phone\nx,{ONE}\ny,{TWO}",  # phone goes before number
        f"{ONE},text,1773144000\n{TWO},import,1773144000\n",
    ],
)
def test_a_list_is_read_however_the_table_is_made(text: str) -> None:
    assert [number.e164 for number in read_list(text)] == [ONE, TWO]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no numbers"),
        ("\n \n", "no numbers"),
        ("phone\n", "no numbers"),
        (f"{ONE}\n2025550102\n{TWO}", "lines: 2."),
        (f"phone\n{ONE}\nnobody\n\n12\n", "lines: 3, 5."),
        (f"a,phone\nx,{ONE}\ny\n", "lines: 3."),
        (f"name\n{ONE}\n", "lines: 1."),
        (
            "\n".join(["x"] * 25),
            "lines: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 5 more.",
        ),
        ("\n".join(["x"] * 20), "19, 20."),
        (f'{ONE}\n"{TWO}', "no CSV"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_by_its_lines_and_repeats_none(text: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_list(text)
    assert told in refused.value.message
    assert "Nothing was stored." in refused.value.hint
    assert not any(digits in str(refused.value) for digits in ("555", "nobody"))
    assert "".join(traceback.format_exception(refused.value)).count("555") == 0


def test_a_list_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opting_out, "LARGEST_FILE", 2 * len(ONE) + 1)
    assert len(read_list(f"{ONE}\n{TWO}")) == 2
    with pytest.raises(InvalidRequest, match="too long"):
        read_list(f"{ONE}\n{TWO}\n")


async def test_a_list_is_taken_in_once_and_told_what_was_new(ringback: Ringback) -> None:
    opt_outs = ringback.person.opt_outs
    assert await opt_outs.import_list(f"{ONE}\n{ONE}\n{TWO}\n") == Imported(new=2, known=0, lines=3)
    assert await opt_outs.import_list(f"{TWO}\n{THREE}\n") == Imported(new=1, known=1, lines=2)
    assert {(each.number.e164, each.via) for each in await opt_outs.standing()} == {
        (number, "import") for number in (ONE, TWO, THREE)
    }


async def test_of_a_list_with_one_wrong_line_nothing_is_stored(ringback: Ringback) -> None:
    with pytest.raises(InvalidRequest):
        await ringback.person.opt_outs.import_list(f"{ONE}\nx\n")
    assert await ringback.person.opt_outs.standing() == []


async def test_what_is_given_out_can_be_taken_in(ringback: Ringback, clock: FakeClock) -> None:
    opt_outs = ringback.person.opt_outs
    assert await opt_outs.export_list() == "phone,via,since\n"
    await opt_outs.add(ONE, via="terminal")
    clock.move(60)
    await opt_outs.import_list(THREE)
    told = await opt_outs.export_list()
    since = int(clock.now().timestamp())
    assert told == f"phone,via,since\n{ONE},terminal,{since - 60}\n{THREE},import,{since}\n"
    await opt_outs.lift(ONE)
    assert await opt_outs.import_list(told) == Imported(new=1, known=1, lines=2)


async def test_adding_and_lifting_tell_what_they_did(ringback: Ringback) -> None:
    opt_outs = ringback.person.opt_outs
    assert await opt_outs.add(ONE, via="page") == Noted(is_new=True, cancelled=0, on_their_way=0)
    assert await opt_outs.add(ONE, via="terminal") == Noted(is_new=False, cancelled=0, on_their_way=0)
    assert [each.via for each in await opt_outs.standing()] == ["page"]
    assert await opt_outs.lift(ONE)
    assert not await opt_outs.lift(ONE)
    for act in (opt_outs.lift, lambda number: opt_outs.add(number, via="page")):
        with pytest.raises(InvalidNumber):
            await act("nobody")


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=30), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_list_of_numbers_is_read_whole_and_in_order(lines: list[int], end: str, has_header: bool) -> None:
    numbers = [f"+1202555{line:04d}" for line in lines]
    text = ("phone" + end if has_header else "") + "".join(f"{number}{end}" for number in numbers)
    assert [number.e164 for number in read_list(text)] == numbers


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_list_of_numbers_or_refused(text: str) -> None:
    try:
        assert read_list(text)
    except InvalidRequest as refused:
        assert refused.hint  # noqa: PT017 - either end is right, and nothing else is raised


async def test_no_number_of_a_list_stands_in_the_ledger_in_any_form_and_erasing_them_keeps_them_out(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = seeds(300)
    text = "phone\n" + "\n".join(seed.number for seed in made)
    caplog.set_level(0)
    async with opened(home, clock=SystemClock()) as ringback:
        await ringback.person.opt_outs.import_list(text)
        for seed in made[:20]:
            await ringback.person.overview.name_zone(seed.number, "Asia/Tokyo")
            await ringback.person.forget(seed.number)
            with pytest.raises(Refused) as refused:
                await ringback.telephone.send_sms(seed.number, "hello")
            assert refused.value.rule == "opted_out"
        assert Needles(made).in_(content_of(home)) == []
    rotate(Settings(home=home))
    async with opened(home, clock=SystemClock()) as ringback:
        assert {each.number.e164 for each in await ringback.person.opt_outs.standing()} == {
            each.number for each in made
        }
        assert Needles(made).in_(content_of(home)) == []
    assert Needles(made).in_(caplog.text.encode()) == []
