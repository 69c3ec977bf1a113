"""Hundreds of sends due at one moment, from a real `ringback mcp` to a real sandbox: what bench/scheduled.py measures.

The benchmark runs the same with ten thousand.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "scheduled.py"
DUE = 1_800_000_000.0
WISHED = {("+12025551000", "one"), ("+12025551001", "two")}
FLAT = 1.1


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The benchmark's own module, which is in no package."""
    spec = importlib.util.spec_from_file_location("bench_scheduled", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.scale
def test_five_hundred_due_at_once_go_out_none_early_none_twice_and_none_is_lost(bench: Any, tmp_path: Path) -> None:
    figures = bench.run(bench.Plan(count=500, rate=0), tmp_path)
    assert (figures.early, figures.twice, figures.lost, figures.strange) == (0, 0, 0, 0)
    assert figures.deferred == 0
    assert figures.seconds < 90
    assert figures.growth <= FLAT


@pytest.mark.scale
def test_a_rate_that_is_used_up_midway_holds_the_rest_back_and_loses_and_doubles_none(
    bench: Any, tmp_path: Path
) -> None:
    """Of 600 a minute 500 were used 40 seconds ago: 100 go, then the carrier says later, then the others go."""
    plan = bench.Plan(count=600, rate=600, used=500, used_ago_s=40)
    figures = bench.run(plan, tmp_path)
    assert (figures.early, figures.twice, figures.lost, figures.strange) == (0, 0, 0, 0)
    assert 0 < figures.deferred < 300, "the others were held back, not tried one by one"
    assert figures.seconds >= plan.ideal_s - 2
    assert figures.seconds < 90
    assert figures.growth <= FLAT


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        ([("+12025551000", "one", DUE), ("+12025551001", "two", DUE + 9)], (0, 0, 0, 0)),
        ([("+12025551000", "one", DUE - 0.001), ("+12025551001", "two", DUE)], (1, 0, 0, 0)),
        ([("+12025551000", "one", DUE), ("+12025551001", "two", DUE), ("+12025551000", "one", DUE)], (0, 1, 0, 0)),
        ([("+12025551000", "one", DUE)], (0, 0, 1, 0)),
        ([], (0, 0, 2, 0)),
        ([("+12025551000", "one", DUE), ("+12025551001", "one", DUE)], (0, 0, 1, 1)),
    ],
)
def test_the_judge_sees_what_came_early_twice_or_never(
    bench: Any, arrived: list[tuple[str, str, float]], expected: tuple[int, ...]
) -> None:
    figures = bench.judge(bench.Plan(count=2, rate=0), DUE, WISHED, arrived)
    assert (figures.early, figures.twice, figures.lost, figures.strange) == expected


@pytest.mark.parametrize(
    ("count", "rate", "used", "ago_s", "ideal_s"),
    [
        (500, 0, 0, 0, 0),
        (6_000, 6_000, 0, 0, 0),
        (6_001, 6_000, 0, 0, 60),
        (10_000, 6_000, 0, 0, 60),
        (10_000, 1_000, 0, 0, 540),
        (600, 600, 500, 40, 20),
        (100, 600, 500, 40, 0),
        (601, 600, 500, 40, 60),
    ],
)
def test_the_earliest_end_follows_from_the_rate_alone(
    bench: Any, count: int, rate: int, used: int, ago_s: float, ideal_s: float
) -> None:
    plan = bench.Plan(count=count, rate=rate, used=used, used_ago_s=ago_s)
    assert plan.ideal_s == ideal_s


def test_a_quarter_is_told_by_its_median(bench: Any) -> None:
    assert bench.quarters([1, 1, 2, 2, 3, 3, 4, 4]) == [1, 2, 3, 4]
    assert bench.quarters([5.0]) == [5, 5, 5, 5]
