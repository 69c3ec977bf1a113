import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringback.errors import CarrierError, InvalidNumber, Refused, RingbackError, error_codes
from ringback.guards import Facts, Refuse, decide
from ringback.ledger.consents import _OUTCOMES
from ringback.model.limits import PERIODS_S, Limit, Scope
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Line, Outbound
from ringback.model.status import Status
from ringback_server.commands.exits import EPILOG, Exit, error_exit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
SKILL = ROOT / "skill" / "ringback"
FACES = ROOT / "server" / "ringback_server"
LIVE = Line(carrier="any", enabled=True, live=True, number=None, capabilities=frozenset(Channel))


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


def _made(kind: type[RingbackError]) -> RingbackError:
    return kind("code", "It happened.") if issubclass(kind, InvalidNumber | Refused) else kind("It happened.")


@pytest.mark.parametrize("kind", _kinds(RingbackError), ids=lambda kind: kind.code)
def test_the_page_tells_the_exit_code_with_which_the_command_ends(kind: type[RingbackError]) -> None:
    assert _codes()[kind.code][0] == str(int(error_exit(_made(kind))))


def test_every_exit_code_is_told_in_the_commands_own_words() -> None:
    told = {int(code): words for code, words in _rows("Exit codes")}
    assert set(told) == set(Exit)
    for code, words in re.findall(r"^(\d)  (.+)$", EPILOG, re.MULTILINE):
        assert told[int(code)] == words


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


def _trees(*folders: Path) -> Iterator[ast.AST]:
    for path in (found for folder in folders for found in folder.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _texts(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _rules() -> set[str]:
    """Every rule that can be given: a refusal's first argument, what guards choose among, each kind of limit."""
    found = {Limit(scope, 1, period).rule for scope in Scope for period in PERIODS_S}
    for node in _trees(SKILL, FACES):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Refuse", "Refused"}:
            found |= _texts(node.args[:1])
        if isinstance(node, ast.Tuple):
            found |= {text for text in _texts(node.elts[:1]) if text.startswith(("destination_", "budget_"))}
    return found


def _reasons() -> set[str]:
    """Every reason that is written into the ledger by name."""
    sql = (SKILL / "ledger" / "queries.sql").read_text(encoding="utf-8")
    found = set(re.findall(r"reason = '(\w+)'", sql)) | {reason for _, reason in _OUTCOMES.values() if reason}
    for node in _trees(SKILL):
        if isinstance(node, ast.Call):
            found |= _texts([item.value for item in node.keywords if item.arg == "reason"])
    return found


def test_every_rule_that_refuses_is_on_the_page_and_no_other() -> None:
    assert {row[0].strip("`") for row in _rows("Rules that refuse")} == _rules()


def test_every_reason_in_a_receipt_is_on_the_page_and_no_other() -> None:
    rows = _rows("Reasons in a receipt")
    assert {row[0].strip("`") for row in rows} == _reasons()
    assert {row[1].strip("`") for row in rows} - {"as the carrier says"} <= {status.value for status in Status}


@pytest.mark.parametrize(("rule", "example"), [row[:2] for row in _rows("Rules that refuse") if row[1]])
def test_each_example_of_a_forbidden_number_is_refused_by_its_rule(rule: str, example: str) -> None:
    outbound = Outbound(Channel.SMS, parse_number(example.strip("`")), LIVE.carrier, "Hello")
    decision = decide(Facts(outbound=outbound, line=LIVE, consented=True))
    assert isinstance(decision, Refuse)
    assert decision.rule == rule.strip("`")
