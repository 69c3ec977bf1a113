"""Outbounds and the line as a person reads them in a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from ringback.adapters.untrusted import legible, one_line
from ringback.model.moment import tell_moment
from ringback.model.status import Status
from ringback.receipts import Receipt
from ringback_server.commands.output import aligned, clean
from ringback_server.commands.terminal import barred

if TYPE_CHECKING:
    from ringback.receipts import HistoryPage, LineReport
    from ringback_server.commands.output import Output

_LISTED: Final = "one of a list with the same words, which a person answers as a whole"


def receipt_lines(receipt: Receipt, output: Output) -> list[str]:
    """A receipt, whole."""
    following = receipt.next
    if receipt.status == Status.AWAITING_APPROVAL:
        following = f"ringback approve {receipt.id}"
    elif not Status(receipt.status).ended:
        following = f"ringback status {receipt.id} --wait 60"
    rows = [
        ("status", output.status(receipt.status)),
        ("id", receipt.id),
        ("to", f"{receipt.to} ({receipt.channel}, {receipt.carrier})"),
        ("at", due(seconds(receipt.send_at)) if receipt.send_at else ""),
        ("what", clean(receipt.summary)),
        ("list", _LISTED if receipt.bulk else ""),
        ("next", following),
        ("approval", receipt.approval or ""),
        ("reason", receipt.reason or ""),
        ("carrier", one_line(receipt.error or "")),
        ("delivered", clean(receipt.delivered_at or "")),
        ("duration", "" if receipt.duration_s is None else f"{receipt.duration_s:g} s"),
        ("answered by", receipt.answered_by or ""),
        ("keys", one_line(receipt.keys or "")),
        ("recording", clean(receipt.recording_url or "")),
    ]
    return aligned(rows) + _call_lines(receipt) + _removed(receipt.removed)


def _call_lines(receipt: Receipt) -> list[str]:
    """What a call brought back from outside, each part behind a bar."""
    noted = receipt.untrusted_variables or {}
    parts = [
        ("outcome", receipt.untrusted_outcome),
        ("transcript", receipt.untrusted_transcript),
        ("variables", "\n".join(f"{name}: {value}" for name, value in noted.items())),
    ]
    return [line for name, text in parts if text for line in (name, *barred(legible(text, len(text))))]


def _removed(told: str | None) -> list[str]:
    """What was taken out before it was shown: a model may read this, too."""
    return [f"    ({told})"] if told else []


def history_lines(page: HistoryPage, output: Output) -> list[str]:
    """Messages and calls, one a line, newest first; under a text from outside what it says, behind a bar."""
    if not page.items:
        return ["Nothing yet."]
    widest = max(len(item.status) for item in page.items)
    lines = []
    for item in page.items:
        padding = " " * (widest - len(item.status))
        line = f"{output.status(item.status)}{padding}  {item.channel:<5}"
        if isinstance(item, Receipt):
            lines.append(f"{_local(item.created_at)}  {line}  {item.to or '(erased)'}  {item.id}")
            if item.bulk and item.status == Status.AWAITING_APPROVAL:
                lines.append(f"    {_LISTED}")
            if item.send_at and item.status in {Status.AWAITING_APPROVAL, Status.SCHEDULED}:
                lines.append(f"    goes out {due(seconds(item.send_at))}")
        else:
            sender = item.sender or item.contact or "(erased)"
            lines.append(f"{_local(item.received_at)}  {line}  from {sender}  {item.id}")
            lines += ["    (erased)"] if item.untrusted_text is None else barred(legible(item.untrusted_text))
            lines += _removed(item.removed)
    if page.cursor:
        lines.append(f"More: ringback history --cursor {page.cursor}")
    return lines


def line_lines(report: LineReport) -> list[str]:
    """The carrier's word about the line, and what is left of the limits."""
    from ringback_server.commands.previewing import left_lines

    rows = [
        ("line", clean(report.summary)),
        ("carrier", report.carrier),
        ("number", report.number or ""),
        ("handset", report.page or ""),
        ("approval", f"at least {report.approval}"),
    ]
    return aligned(rows) + (["left", *left_lines(report.limits)] if report.limits else [])


def due(at: float) -> str:
    """When something goes out: in UTC, and by this machine's own clock."""
    here = datetime.fromtimestamp(at).astimezone()
    return f"{tell_moment(at)}  ({here:%Y-%m-%d %H:%M:%S %z} on this machine)"


def moment(at: float) -> str:
    """A Unix time on this machine's clock."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _local(iso: str) -> str:
    return moment(seconds(iso))


def seconds(iso: str) -> float:
    """A told moment as a Unix time."""
    return datetime.fromisoformat(iso).timestamp()
