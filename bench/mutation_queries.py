"""Puts slips into the ledger's statements and counts what the tests notice.

`python -m bench.mutation_queries [NAME ...]`. A slip is put into the statement that a forked process would run, and the
tests that run it are run there, fastest first. docs/testing.md tells what the numbers mean, and what survives and why.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from bench.mutation_judges import JUDGES, LEFT_OUT, NO_PLUGINS, PYTEST
from bench.mutation_statements import changes, parsed, written

from ringback.ledger import database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
AIM: Final = 0.8
"""Less than for the code: many a slip in a statement only makes it look at more than it needs to."""
OPTIONS: Final = ["-q", "-x", *PYTEST, "-m", "not scale"]
SAMPLE: Final = 5
CONTEXT: Final = 5
PATIENCE_S: Final = 20
"""How much longer than without a slip the tests may take before they count as running without end."""


class Watched(dict[str, str]):
    """The statements by name, which notes what each test asks for, and how long it took."""

    def __init__(self, statements: dict[str, str]) -> None:
        super().__init__(statements)
        self.tests: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self._test: str | None = None

    def __getitem__(self, name: str) -> str:
        if self._test is not None:
            self.tests[name].add(self._test)
        return super().__getitem__(name)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what the test asks for."""
        self._test, begun = item.nodeid, time.monotonic()
        result = yield
        self.seconds[item.nodeid] = time.monotonic() - begun
        self._test = None
        return result


def judges() -> list[str]:
    """The files of tests that judge the ledger's modules."""
    return sorted(
        {f"tests/unit/{file}.py" for module, files in JUDGES.items() if "ledger/" in module for file in files}
    )


def is_noticed(tests: list[str], limit_s: float, name: str, slip: str) -> bool:
    """Whether one of the tests fails in a process in which the statement has the slip."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(int(limit_s) + PATIENCE_S)
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            database._queries()[name] = slip  # noqa: SLF001  # the one place from which statements come
            result = pytest.main([*OPTIONS, *tests])
        os._exit(int(result))
    return os.waitpid(pid, 0)[1] != 0


def shown(statement: str, slip: str) -> str:
    """The place of a slip, with a few words around it: what stands there in brackets, and what stood there instead."""
    before, after = statement.split(), slip.split()
    parts: list[str] = []
    for kind, begin, end, begin_after, end_after in difflib.SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            words = before[begin:end]
            parts += words if len(words) <= 2 * CONTEXT else [*words[:CONTEXT], "...", *words[-CONTEXT:]]
        else:
            parts.append(f"[{' '.join(before[begin:end])} -> {' '.join(after[begin_after:end_after])}]")
    return " ".join(parts)


def main() -> None:
    """Tell how many slips were noticed, statement by statement; an error where it is less than the aim."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mutation_queries")
    parser.add_argument("names", nargs="*", help="statements of queries.sql; all by default")
    parser.add_argument("--sample", action="store_true", help="one slip in five")
    given = parser.parse_args()
    os.chdir(ROOT)
    os.environ.update(NO_PLUGINS)
    statements = Watched(database._queries())  # noqa: SLF001  # as above
    names = given.names or list(statements)
    for name in names:
        dict.__setitem__(statements, name, written(parsed(statements[name])))
    database._queries = lambda: statements  # type: ignore[assignment]  # noqa: SLF001  # as above
    left_out = [f"--deselect={test}" for test in LEFT_OUT]
    if pytest.main([*OPTIONS, *judges(), *left_out], plugins=[statements]):
        sys.exit("The tests do not pass as the statements are.")
    total = killed = seen = 0
    for name in names:
        tests = sorted(statements.tests[name], key=lambda test: statements.seconds[test])
        limit_s = sum(statements.seconds[test] for test in tests)
        slips = list(changes(statements[name]))
        if given.sample:
            first, seen = -seen % SAMPLE, seen + len(slips)
            slips = slips[first::SAMPLE]
        left = slips if not tests else [slip for slip in slips if not is_noticed(tests, limit_s, name, slip)]
        total, killed = total + len(slips), killed + len(slips) - len(left)
        print(f"{name:28} {len(slips) - len(left):4} of {len(slips):4}", flush=True)
        print("".join(f"    {shown(dict.__getitem__(statements, name), slip)}\n" for slip in left), end="", flush=True)
    print(f"{'together':28} {killed:4} of {total:4} {killed / max(total, 1):6.1%}")
    if killed < AIM * total:
        sys.exit(f"The aim is {AIM:.0%}.")


if __name__ == "__main__":
    main()
