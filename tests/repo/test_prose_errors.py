import re
from pathlib import Path

import pytest

from ringback.errors import CarrierError, InvalidNumber, RingbackError, error_codes
from ringback.model.numbers import parse_number

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def _rows(heading: str) -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def _codes() -> dict[str, list[str]]:
    return {row[0].strip("`"): row[1:] for row in _rows("Codes")}


def _kinds(kind: type[RingbackError]) -> list[type[RingbackError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _kinds(child))]


def test_every_code_of_the_error_tree_is_documented_and_no_other() -> None:
    assert set(_codes()) == error_codes()
    assert len(_rows("Codes")) == len(error_codes())


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in _kinds(RingbackError) if kind.__module__ == "ringback.errors"]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", _kinds(CarrierError), ids=lambda kind: kind.code)
def test_the_page_promises_nothing_sent_exactly_where_it_is_certain(kind: type[CarrierError]) -> None:
    exit_code, happened, _ = _codes()[kind.code]
    assert ("Nothing was sent." in happened) == kind.nothing_left
    assert exit_code == ("5" if kind.nothing_left else "6")


@pytest.mark.parametrize(("problem", "example", "todo"), _rows("Numbers that cannot be read"))
def test_each_example_of_a_bad_number_is_refused_for_the_reason_given(problem: str, example: str, todo: str) -> None:
    assert todo
    with pytest.raises(InvalidNumber) as caught:
        parse_number("" if example == "(nothing)" else example.strip("`"))
    assert caught.value.problem == problem.strip("`")


def test_every_problem_that_a_number_can_have_is_on_the_page() -> None:
    named = re.search(r"`problem` is one of ([^.]+)\.", parse_number.__doc__ or "")
    assert named is not None
    assert {row[0].strip("`") for row in _rows("Numbers that cannot be read")} == set(
        re.findall(r"`(\w+)`", named.group(1))
    )
