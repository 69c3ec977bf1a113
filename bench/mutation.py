"""Breaks the rules of the road on purpose and counts what the tests notice: `python -m bench.mutation [PATH ...]`.

mutmut makes the changes and judges each by the tests that JUDGES names for the module; the ledger's statements are
changed by `bench.mutation_queries`. docs/testing.md tells what the numbers mean, and what survives and why.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.mutation_judges import JUDGES, LEFT_OUT, NO_PLUGINS, PYTEST
from mutmut.configuration import reset_config
from mutmut.mutation.diff_apply import get_diff_for_mutant

ROOT: Final = Path(__file__).resolve().parent.parent
WORK: Final = ROOT / "build" / "mutation"
CODE: Final = "skill/ringback"
SCOPE: Final = ("guards/*.py", "approvals.py", "dispatch.py", "ledger/*.py")
AIM: Final = 0.9
STATEMENTS: Final = "ledger/queries.sql"
IN_ANY_CASE: Final = re.compile(
    r"""(?:\b(?:row|earlier|used|caller|answer)|rows\[[^]]*\]|found\([^)]*\)+)\[["']\w+["']\]|code\("[\w-]+\""""
)
"""The names of SQLite's columns and of encodings are the same in any case."""
SAMPLE: Final = "*[37]"
"""One in five: mutmut numbers its changes, and these are the ones whose number ends so."""
UNNOTICED: Final = {"survived", "no tests", "suspicious"}
CLASS_MARK: Final = "\u01c1"
"""What mutmut puts between the names of a class and a method."""


@dataclass(frozen=True)
class Result:
    """What became of the changes to one module. A change that makes its tests run without end counts as noticed."""

    module: str
    total: int
    """Without the changes that change nothing."""
    killed: int
    left: list[str]
    """The changes that no test noticed: the function, the line as it is, the line as it was made."""

    @property
    def share(self) -> float:
        """How many of the changes were noticed, from 0 to 1."""
        return self.killed / self.total if self.total else 1.0


def is_asked(name: str, paths: list[str]) -> bool:
    """Whether a file lies under the paths given; all do if none is."""
    return not paths or any((ROOT / CODE / name).is_relative_to(Path(path).resolve()) for path in paths)


def modules(paths: list[str]) -> list[str]:
    """The modules in scope that lie under the paths given, all if none is, in names like `ledger/store.py`."""
    code = ROOT / CODE
    found = sorted(str(path.relative_to(code)) for pattern in SCOPE for path in code.glob(pattern))
    chosen = [name for name in found if is_asked(name, paths) and "def " in (code / name).read_text()]
    if unnamed := [name for name in chosen if name not in JUDGES]:
        sys.exit(f"bench/mutation_judges.py names no tests for: {', '.join(unnamed)}.")
    return chosen


def staged(module: str) -> Path:
    """A folder in which mutmut finds the one module. It looks for packages in `src`, so the skill is called that."""
    stage = WORK / module.removesuffix(".py").replace("/", ".")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    (stage / "src").symlink_to(ROOT / "skill")
    (stage / "tests").symlink_to(ROOT / "tests")
    tests = [f"tests/unit/{name}.py" for name in JUDGES[module]]
    if missing := [name for name in tests if not (ROOT / name).exists()]:
        sys.exit(f"bench/mutation_judges.py names tests that are not there: {', '.join(missing)}.")
    settings: dict[str, Any] = {
        "source_paths": ["src"],
        "only_mutate": [f"src/ringback/{module}"],
        "pytest_add_cli_args": [*PYTEST, "-m", "not scale"],
        "pytest_add_cli_args_test_selection": [*tests, *(f"--deselect={name}" for name in LEFT_OUT)],
        "timeout_constant": 4.0,
        "timeout_multiplier": 3.0,
        "process_isolation": "forkserver",  # what the code keeps for later stays in no process that is forked again
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    pytest = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    (stage / "pyproject.toml").write_text(_table("tool.pytest.ini_options", pytest) + _table("tool.mutmut", settings))
    return stage


def _table(name: str, values: dict[str, Any]) -> str:
    """A TOML table of texts, numbers, truths and lists of these, all of which JSON writes alike."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "", ""])


def mutmut(stage: Path, *arguments: str) -> str:
    """What mutmut answers."""
    program = Path(sys.executable).parent / "mutmut"
    environment = {**os.environ, **NO_PLUGINS}
    run = subprocess.run([program, *arguments], cwd=stage, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"mutmut {' '.join(arguments)} failed in {stage}:\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}")
    return run.stdout


def judged(module: str, jobs: int, *, sample: bool) -> Result:
    """Make all changes to a module, or a sample of them, and run its tests against each."""
    stage = staged(module)
    mutmut(stage, "run", "--max-children", str(max(jobs, 1)), *([SAMPLE] if sample else []))
    listed = [line.strip().rpartition(": ")[::2] for line in mutmut(stage, "results").splitlines() if ": " in line]
    with contextlib.chdir(stage):
        reset_config()
        survived = [(name, get_diff_for_mutant(name)) for name, status in listed if status in UNNOTICED]
    mutmut(stage, "export-cicd-stats")
    counts = json.loads((stage / "mutants" / "mutmut-cicd-stats.json").read_text())
    left = [_shortened(name, change) for name, change in survived if not _same(change)]
    killed = counts["killed"] + counts["timeout"]
    return Result(module, killed + len(left), killed, left)


def _lines(change: str, sign: str) -> str:
    """The lines of one side of a difference."""
    return "\n".join(
        line[1:] for line in change.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)
    )


def _same(change: str) -> bool:
    """Whether a change is none."""
    before, after = (IN_ANY_CASE.sub(lambda name: name[0].lower(), _lines(change, sign)) for sign in "-+")
    return before == after


def _shortened(name: str, change: str) -> str:
    function = name.rpartition(".")[2].partition("__mutmut")[0].removeprefix("x_").removeprefix("x").strip(CLASS_MARK)
    return "\n".join([function.replace(CLASS_MARK, "."), _lines(change, "-"), _lines(change, "+")])


def main() -> None:
    """Tell how many changes were noticed, module by module; an error where it is less than the aim."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mutation")
    parser.add_argument("paths", nargs="*", help="files or folders in skill/ringback; all in scope by default")
    parser.add_argument("--jobs", type=int, default=1, help="how many tests run at once")
    parser.add_argument("--sample", action="store_true", help="one change in five")
    parser.add_argument("--quiet", action="store_true", help="without the changes that survived")
    given = parser.parse_args()
    names, results = modules(given.paths), []
    with_statements = is_asked(STATEMENTS, given.paths)
    if not names and not with_statements:
        sys.exit(f"None of {', '.join((*SCOPE, STATEMENTS))} in {CODE} lies under {', '.join(given.paths)}.")
    for name in names:
        result = judged(name, given.jobs, sample=given.sample)
        results.append(result)
        print(f"{name:28} {result.killed:4} of {result.total:4} {result.share:6.1%}", flush=True)
        if not given.quiet:
            print("".join(f"\n{change}\n" for change in result.left), flush=True)
    total = Result("together", sum(r.total for r in results), sum(r.killed for r in results), [])
    print(f"{total.module:28} {total.killed:4} of {total.total:4} {total.share:6.1%}", flush=True)
    statements = [sys.executable, "-m", "bench.mutation_queries", *(["--sample"] if given.sample else [])]
    if with_statements and subprocess.run(statements, cwd=ROOT, check=False).returncode:
        sys.exit(1)
    if total.share < AIM:
        sys.exit(f"The aim is {AIM:.0%}.")


if __name__ == "__main__":
    main()
