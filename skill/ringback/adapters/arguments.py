"""What the seven tools take. The words are what a model reads in every conversation, so they are short."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

To = Annotated[str, Field(description="E.164, e.g. +14155550123")]
SmsTo = Annotated[str | None, Field(description="E.164, e.g. +14155550123; or call_id")]
CallId = Annotated[str | None, Field(description="id of our live call: texts its other party, in place of to")]
Template = Annotated[str | None, Field(description="In place of body: a name that check-telephony lists")]
Variables = Annotated[dict[str, str] | None, Field(description="Exactly the template's")]
Key = Annotated[str | None, Field(description="Same key, same content: sent once")]
Id = Annotated[str, Field(description="id from a receipt")]
SendAt = Annotated[
    str | None,
    Field(
        description="Later: RFC 3339 with offset, or 2026-11-22 09:00 Europe/Berlin. The person is asked now. Held on "
        "this machine: a server must run then. Too late for it (15 minutes, unless set otherwise): expired, not sent. "
        "cancel works until then"
    ),
]


DryRun = Annotated[bool, Field(description="Tell cost, segments and which rules refuse; send nothing")]


class Arguments(BaseModel):
    """Base of the arguments: nothing unknown passes, and no error repeats a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class CheckArguments(Arguments):
    """`check-telephony` takes none."""


class SmsArguments(Arguments):
    """What `send-sms` takes."""

    to: SmsTo = None
    call_id: CallId = None
    body: str | None = None
    template: Template = None
    variables: Variables = None
    send_at: SendAt = None
    idempotency_key: Key = None
    dry_run: DryRun = False


class MmsArguments(Arguments):
    """What `send-mms` takes."""

    to: To
    body: str
    media_url: Annotated[str, Field(description="https URL the carrier fetches")]
    send_at: SendAt = None
    idempotency_key: Key = None
    dry_run: DryRun = False


class CallArguments(Arguments):
    """What `voice-call` takes."""

    to: To
    prompt: Annotated[str, Field(description="What the voice says; may offer keys: press 1 to confirm")]
    send_at: SendAt = None
    idempotency_key: Key = None
    dry_run: DryRun = False


class StatusArguments(Arguments):
    """What `status` takes."""

    id: Id
    wait: Annotated[float, Field(description="Seconds, at most 25", ge=0, le=25)] = 0


class HistoryArguments(Arguments):
    """What `history` takes."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = None


class CancelArguments(Arguments):
    """What `cancel` takes."""

    id: Id
