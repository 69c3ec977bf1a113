"""What `make mutation` breaks is judged by tests that are there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "skill" / "ringback"
NAMED = runpy.run_path(str(ROOT / "bench" / "mutation_judges.py"))


def in_scope() -> set[str]:
    files = [*CODE.glob("guards/*.py"), CODE / "approvals.py", CODE / "dispatch.py", *CODE.glob("ledger/*.py")]
    return {str(file.relative_to(CODE)) for file in files}


def test_each_module_of_the_rules_has_tests_that_judge_it() -> None:
    assert set(NAMED["JUDGES"]) == in_scope()


def test_each_test_that_judges_a_module_or_is_left_out_is_there() -> None:
    for name in {judge for judges in NAMED["JUDGES"].values() for judge in judges}:
        assert (ROOT / "tests" / "unit" / f"{name}.py").exists(), name
    for test in NAMED["LEFT_OUT"]:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(), test


def test_each_statement_is_named_by_a_module_that_is_judged() -> None:
    statements = re.findall(r"^-- name: (\w+)$", (CODE / "ledger" / "queries.sql").read_text(), re.MULTILINE)
    code = "".join((CODE / module).read_text() for module in NAMED["JUDGES"])
    assert [name for name in statements if f'"{name}"' not in code] == []
