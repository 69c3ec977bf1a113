"""The order of statuses: forward only, and endings absorb."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.model.status import BEFORE_DISPATCH, ENDED, NOTHING_SENT, WITH_CARRIER, Status, may_follow

ORDER = ["accepted", "queued", "sent ringing", "in_progress"]
RANK = {Status(word): rank for rank, words in enumerate(ORDER) for word in words.split()}
ENDINGS = sorted(ENDED - {Status.UNKNOWN})
REPORTABLE = st.sampled_from(sorted(Status))


def test_every_status_is_in_exactly_one_part_of_its_life() -> None:
    parts = [BEFORE_DISPATCH, {Status.DISPATCHING}, WITH_CARRIER, ENDED]
    assert sorted(status for part in parts for status in part) == sorted(Status)
    assert NOTHING_SENT < ENDED
    assert {Status.DELIVERED, Status.COMPLETED, Status.UNKNOWN}.isdisjoint(NOTHING_SENT)


@pytest.mark.parametrize(("old", "new"), list(product(sorted(WITH_CARRIER), sorted(WITH_CARRIER))))
def test_what_is_with_the_carrier_moves_to_a_later_status_only(old: Status, new: Status) -> None:
    assert may_follow(new, old) == (RANK[new] > RANK[old])


@pytest.mark.parametrize(("old", "new"), list(product([Status.DISPATCHING, *sorted(WITH_CARRIER)], ENDINGS)))
def test_an_ending_may_follow_whatever_is_under_way(old: Status, new: Status) -> None:
    assert may_follow(new, old)


@pytest.mark.parametrize(("old", "new"), list(product(ENDINGS, sorted(Status))))
def test_nothing_follows_an_ending(old: Status, new: Status) -> None:
    assert not may_follow(new, old)


@pytest.mark.parametrize("new", sorted(Status))
def test_doubt_is_resolved_by_what_the_carrier_has_and_by_nothing_else(new: Status) -> None:
    resolves = new in WITH_CARRIER or (new.ended and new is not Status.UNKNOWN)
    assert may_follow(new, Status.UNKNOWN) == resolves


@pytest.mark.parametrize("old", sorted(Status))
def test_a_word_that_nobody_knows_tells_nothing(old: Status) -> None:
    assert not may_follow(Status.UNKNOWN, old)


@given(st.lists(REPORTABLE, max_size=30), st.sampled_from(sorted(WITH_CARRIER | {Status.DISPATCHING, Status.UNKNOWN})))
def test_no_order_of_reports_takes_a_status_back(reports: list[Status], start: Status) -> None:
    status, passed = start, [start]
    for report in reports:
        if may_follow(report, status):
            status = report
            passed.append(status)
    ranks = [RANK[step] for step in passed if step in RANK]
    assert ranks == sorted(ranks)
    assert all(not step.ended or step is Status.UNKNOWN for step in passed[:-1])
    assert Status.UNKNOWN not in passed[1:]
