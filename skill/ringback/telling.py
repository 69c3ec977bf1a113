"""What happened to an outbound and what to do next, in sentences that are true of it and of nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringback.model.moment import tell_moment
from ringback.model.outbound import Channel
from ringback.model.status import WITH_CARRIER, Status

if TYPE_CHECKING:
    from ringback.ledger.records import Record

_WAIT: Final = "Call status with this id (wait up to 25 s) to learn what becomes of it."
_DONE: Final = "Nothing more to do."
_TELLS: Final[dict[Status, tuple[str, str]]] = {
    Status.DRAFT: ("It is stored and not sent.", _WAIT),
    Status.AWAITING_APPROVAL: (
        "It waits for a person's yes; nothing was sent.",
        (
            "Tell the person that it waits: they answer on Ringback's page or with `ringback approve` in a terminal. "
            "It goes by itself then. Do not send it again."
        ),
    ),
    Status.APPROVED: ("A person said yes; it is about to go out.", _WAIT),
    Status.SCHEDULED: (
        "It is scheduled and not sent yet.",
        "It goes by itself at its time; cancel with this id stops it until then. status tells what became of it.",
    ),
    Status.DISPATCHING: ("It is being handed to the carrier.", _WAIT),
    Status.ACCEPTED: ("The carrier took it. It is not delivered yet.", _WAIT),
    Status.QUEUED: ("The carrier queued it. It is not delivered yet.", _WAIT),
    Status.SENT: ("The carrier sent it. It is not confirmed as delivered.", _WAIT),
    Status.RINGING: ("The phone is ringing.", _WAIT),
    Status.IN_PROGRESS: ("The call was answered, by a person or a machine, and is going on.", _WAIT),
    Status.DELIVERED: ("It was delivered.", _DONE),
    Status.COMPLETED: (
        "The call was answered, by a person or a machine: which of them is not known. It has ended.",
        "Do not claim that a person answered or heard it.",
    ),
    Status.BUSY: ("The line was busy; nobody was reached.", "Tell the person; ask before calling again."),
    Status.NO_ANSWER: ("Nobody answered.", "Tell the person; ask before calling again."),
    Status.UNDELIVERED: ("The carrier could not deliver it.", "Tell the person; check the number with them."),
    Status.FAILED: ("It failed; nothing reached the recipient.", "Tell the person why. Ask before trying again."),
    Status.REFUSED: (
        "A rule stopped it; nothing was sent.",
        "Tell the person which rule. Do not look for a way around.",
    ),
    Status.DECLINED: (
        "The person said no; nothing was sent.",
        "Accept it. Do not ask again unless the person brings it up.",
    ),
    Status.EXPIRED: ("Nobody answered in time; nothing was sent.", "Ask the person whether it is still wanted."),
    Status.CANCELLED: ("It was cancelled; nothing was sent.", "Ask the person before proposing it again."),
    Status.UNKNOWN: (
        "It may or may not have gone out: the carrier's answer was lost.",
        (
            "Tell the person exactly that. Do not send it again; status looks it up at the carrier. A person who found "
            "out settles it on Ringback's page or with: ringback resolve"
        ),
    ),
}
_AT_CARRIER: Final = {
    Status.CANCELLED: ("The carrier cancelled it.", "Tell the person; ask before trying again."),
    Status.FAILED: ("The carrier reports that it failed.", "Tell the person; ask before trying again."),
}
_BY_PERSON: Final = {
    "person_says_sent": "It was in doubt; a person found out that it went out.",
    "person_says_not_sent": "It was in doubt; a person found out that it did not go out.",
}
_BY_REASON: Final = {
    "digits_did_not_match": (
        "The digits that were typed are not the number's last ones, so it counts as no; nothing was sent."
    ),
    "question_dismissed": "The question was closed without an answer; nothing was sent.",
    "missed_time": "Its time passed while it could not be sent, and it is too late for it now; nothing was sent.",
    "human_takeover": "A person took over the conversation; nothing was sent.",
    "quiet_hours": (
        "When it was to go out it was night, or a day off, where the recipient is; nothing was sent. A dry run tells "
        "the next allowed time."
    ),
    "opted_out": "The recipient said that they want no more messages and calls; nothing was sent.",
}
_NOT_HEARD: Final = "Do not take it as said to the recipient. Tell the person; ask before calling again."
_ENDED_WITH: Final = {
    "person": ("A person answered, and the call has ended.", _DONE),
    "voicemail": (
        "A voicemail system answered, not a person. Whether it recorded the prompt is not known. The call has ended.",
        _NOT_HEARD,
    ),
    "machine": ("A machine answered, such as a fax or a menu, not a person. The call has ended.", _NOT_HEARD),
}
_GOING_ON_WITH: Final = {
    "person": "A person answered, and the call is going on.",
    "voicemail": "A voicemail system answered, not a person. The call is still going on.",
    "machine": "A machine answered, such as a fax or a menu, not a person. The call is still going on.",
}
_CALLED: Final = frozenset({Status.COMPLETED, Status.NO_ANSWER})
"""Where a call came to its end by itself: of some carriers a voicemail system's answer is no answer."""
_BULK: Final = (
    "The same text is to go to several people, so it waits for a person to approve the whole list; nothing was sent.",
    (
        "Propose the rest of the list, then tell the person: they see all recipients on Ringback's page or with "
        "`ringback approve` in a terminal. Each goes by itself then. Do not send any of them again."
    ),
)
_LIMITED: Final = ("limit_", "budget_")
_UNTOLD: Final = "Nothing more will be known of it: this carrier gave no id to ask by. Ask the recipient if it matters."


def tell(record: Record) -> tuple[str, str]:
    """What happened, and what to do next."""
    if record.reason in _BY_PERSON:
        return _BY_PERSON[record.reason], _DONE
    summary, following = _BULK if _is_listed(record) else _TELLS[record.status]
    if record.carrier_id is not None and record.status in _AT_CARRIER:
        summary, following = _AT_CARRIER[record.status]
    elif record.report and record.report.answered_by in _ENDED_WITH and record.status in _CALLED:
        summary, following = _ENDED_WITH[record.report.answered_by]
    elif record.report and record.report.answered_by in _GOING_ON_WITH and record.status is Status.IN_PROGRESS:
        summary = _GOING_ON_WITH[record.report.answered_by]
    elif record.carrier_id is None and record.status in WITH_CARRIER:
        following = _UNTOLD
    if record.status.ended:
        summary = _BY_REASON.get(record.reason or "", summary)
    elif record.status is Status.SCHEDULED:
        summary = _tell_schedule(record)
    elif record.channel is Channel.VOICE and record.status in {Status.ACCEPTED, Status.QUEUED}:
        summary = "The carrier took the call. Nobody has been reached yet."
    if record.report and record.report.keys:
        summary = f"{summary} Keys pressed: {record.report.keys}"
    return summary, following


def _is_listed(record: Record) -> bool:
    return record.bulk and record.status is Status.AWAITING_APPROVAL


def _tell_schedule(record: Record) -> str:
    if record.reason is not None and record.reason.startswith(_LIMITED):
        return (
            "Its time has come, but a limit is reached: it is not sent yet, and goes as soon as the limit lets it, "
            "unless it is too late for it by then."
        )
    if record.reason is not None or record.send_at is None:
        return (
            "Its time has come, but the carrier took nothing yet: it is not sent yet, and is tried again until it is "
            "too late for it."
        )
    return f"It has its yes; it is scheduled for {tell_moment(record.send_at)} and not sent yet."
