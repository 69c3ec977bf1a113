"""Outbounds and the line as a person reads them in a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ringback.model.status import Status
from ringback.receipts import Receipt
from ringback_server.commands.output import aligned, clean

if TYPE_CHECKING:
    from ringback.receipts import HistoryPage, LineReport
    from ringback_server.commands.output import Output


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
        ("what", clean(receipt.summary)),
        ("next", following),
        ("approval", receipt.approval or ""),
        ("reason", receipt.reason or ""),
        ("carrier", clean(receipt.error or "")),
        ("delivered", clean(receipt.delivered_at or "")),
        ("duration", "" if receipt.duration_s is None else f"{receipt.duration_s:g} s"),
        ("keys", clean(receipt.keys or "")),
        ("recording", clean(receipt.recording_url or "")),
    ]
    return aligned(rows)


def history_lines(page: HistoryPage, output: Output) -> list[str]:
    """Outbounds, one a line, newest first."""
    if not page.items:
        return ["Nothing yet."]
    widest = max(len(item.status) for item in page.items)
    lines = []
    for item in page.items:
        padding = " " * (widest - len(item.status))
        line = f"{output.status(item.status)}{padding}  {item.channel:<5}"
        if isinstance(item, Receipt):
            lines.append(f"{_local(item.created_at)}  {line}  {item.to}  {item.id}")
        else:
            lines.append(f"{_local(item.received_at)}  {line}  from {item.sender or item.contact}  {item.id}")
            lines.append(f"    they wrote: {clean(item.untrusted_text or '(erased)')}")
    if page.cursor:
        lines.append(f"More: ringback history --cursor {page.cursor}")
    return lines


def line_lines(report: LineReport) -> list[str]:
    """The carrier's word about the line."""
    return aligned(
        [
            ("line", clean(report.summary)),
            ("carrier", report.carrier),
            ("number", report.number or ""),
            ("handset", report.page or ""),
            ("approval", f"at least {report.approval}"),
        ]
    )


def moment(at: float) -> str:
    """A Unix time on this machine's clock."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _local(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
