"""What is told of a call by who took it: never that a person heard what may have gone to a machine."""

from __future__ import annotations

import pytest

from ringback.ledger.records import Record
from ringback.model.outbound import Channel, Report
from ringback.model.status import Status
from ringback.telling import tell

ENDED = [Status.COMPLETED, Status.NO_ANSWER]
MACHINES = ["voicemail", "machine"]


def call(status: Status, answered_by: str | None = None, keys: str | None = None) -> Record:
    return Record(
        id="out_1",
        channel=Channel.VOICE,
        carrier="any",
        content=None,
        contact="ct_1",
        status=status,
        reason=None,
        asked_by="mcp",
        level=None,
        created_at=0.0,
        updated_at=0.0,
        expires_at=0.0,
        attempt=1,
        owner=None,
        lease_until=None,
        send_at=None,
        claimed_at=None,
        carrier_id="call_1",
        report=Report(status, answered_by=answered_by, keys=keys),
    )


def test_a_persons_answer_is_told_as_one() -> None:
    summary, following = tell(call(Status.COMPLETED, "person", keys="1"))
    assert summary == "A person answered, and the call has ended. Keys pressed: 1"
    assert following == "Nothing more to do."


@pytest.mark.parametrize("status", ENDED)
@pytest.mark.parametrize("who", MACHINES)
def test_what_a_machine_took_was_not_said_to_the_recipient(status: Status, who: str) -> None:
    summary, following = tell(call(status, who))
    assert "not a person" in summary
    assert ("voicemail" in summary) == (who == "voicemail")
    assert following == "Do not take it as said to the recipient. Tell the person; ask before calling again."


def test_of_voicemail_no_more_is_claimed_than_is_known() -> None:
    assert "Whether it recorded the prompt is not known." in tell(call(Status.COMPLETED, "voicemail"))[0]


@pytest.mark.parametrize("who", [None, "somebody"])
def test_where_it_is_not_known_who_answered_no_person_is_claimed(who: str | None) -> None:
    summary, following = tell(call(Status.COMPLETED, who))
    assert summary.startswith("The call was answered, by a person or a machine: which of them is not known.")
    assert following == "Do not claim that a person answered or heard it."


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("person", "A person answered, and the call is going on."),
        ("voicemail", "A voicemail system answered, not a person. The call is still going on."),
        ("machine", "A machine answered, such as a fax or a menu, not a person. The call is still going on."),
        (None, "The call was answered, by a person or a machine, and is going on."),
    ],
)
def test_while_the_call_goes_on_it_is_told_who_is_there(who: str | None, words: str) -> None:
    assert tell(call(Status.IN_PROGRESS, who))[0] == words


def test_busy_no_answer_voicemail_and_a_persons_answer_are_four_different_sentences() -> None:
    ends = [
        (Status.BUSY, None),
        (Status.NO_ANSWER, None),
        (Status.COMPLETED, "voicemail"),
        (Status.COMPLETED, "person"),
    ]
    assert len({tell(call(*each))[0] for each in ends}) == 4
