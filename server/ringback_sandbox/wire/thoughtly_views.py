"""Agents and calls in the words of Thoughtly's API description."""

from typing import TYPE_CHECKING, Any

from ringback_sandbox.clock import iso

if TYPE_CHECKING:
    from ringback_sandbox.model import Call

AGENT = "sandbox_agent"
"""The one agent."""
AUTOMATION = "sandbox_automation"
"""The one automation with a webhook as its trigger: it calls `contact_phone`."""

_WORDS = {
    "queued": "queued",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "completed": "success",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failure",
    "canceled": "failure",
}


def agent(line: str, *, active: bool) -> dict[str, Any]:
    """The agent as the list of agents shows it."""
    status = "ACTIVE" if active else "ARCHIVED"
    return {"id": AGENT, "title": "Sandbox agent", "status": status, "phone_number": line}


def call(item: "Call", tag: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """The call as the list of responses shows it at a moment. The number called is not in it."""
    ended = item.finished_ms(at_ms)
    voicemail = ended is not None and item.answered_by(at_ms) == "voicemail"
    return {
        "id": item.id,
        "interview_id": AGENT,
        "contact_id": tag.get("contact_id"),
        "direction": "outbound",
        "status": "voicemail" if voicemail else _WORDS[item.status(at_ms)],
        "outcome": None if ended is None else _outcome(item, at_ms),
        "duration_seconds": item.duration_s(at_ms),
        "recording_url": None,
        "transcript": transcript(item, at_ms),
        "tags": [],
        "metadata": tag.get("metadata") or {},
        "custom_fields": {"keys": item.digits} if item.digits else {},
        "created_at": iso(item.accepted_ms),
        "started_at": iso(item.taken_ms(at_ms)),
        "ended_at": iso(ended),
    }


def transcript(item: "Call", at_ms: int) -> list[dict[str, Any]]:
    """What was said: the prompt, then each key as a turn. Nothing was said where nobody answered."""
    at = iso(item.taken_ms(at_ms))
    if at is None:
        return []
    turns = [{"transcript": item.prompt, "speaker": "ai", "createdAt": at, "step": 1, "node_id": "node_prompt"}]
    return turns + [{"transcript": f"pressed {key}", "speaker": "user", "createdAt": at} for key in item.digits]


def finished(item: "Call", tag: dict[str, Any], at_ms: int, line: str) -> dict[str, Any]:
    """The webhook of a finished call, in the form of the API description."""
    row = call(item, tag, at_ms)
    beside = ("transcript", "tags", "metadata", "custom_fields", "created_at")
    return {
        "event": "NEW_RESPONSE",
        "call": {name: value for name, value in row.items() if name not in beside},
        "agent": {"id": AGENT, "title": "Sandbox agent", "phone_number": line},
        "transcript": row["transcript"],
        "custom_fields": row["custom_fields"],
    }


def finished_briefly(item: "Call", at_ms: int) -> dict[str, Any]:
    """The same in the form of the developer pages."""
    return {
        "call_id": item.id,
        "agent_id": AGENT,
        "duration": item.duration_s(at_ms),
        "outcome": _outcome(item, at_ms),
        "transcript": "\n".join(f"{turn['speaker']}: {turn['transcript']}" for turn in transcript(item, at_ms)),
        "variables": {"phone": item.to, **({"keys": item.digits} if item.digits else {})},
    }


def _outcome(item: "Call", at_ms: int) -> str:
    if item.status(at_ms) != "completed":
        return item.status(at_ms)
    if item.answered_by(at_ms) == "voicemail":
        return "voicemail"
    return "answered" if item.digits else "listened"
