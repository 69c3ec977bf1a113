"""`--dry-run`: what a send would do, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ringback.model.text import visible
from ringback_server.commands.exits import Exit
from ringback_server.commands.output import aligned, clean
from ringback_server.commands.terminal import KINDS, barred
from ringback_server.commands.words import due, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringback.previews import Preview, Ruling
    from ringback_server.commands.output import Output

_WOULD: Final = {
    "go": "go out at once, without being asked",
    "ask": "be asked: it goes after a person's yes",
}
_FOR: Final = {"recipient": "to this person", "all": "in all", "voice": "calls", "money": "money"}
_COLOURS: Final = {"passes": "green", "asks": "yellow", "refuses": "red"}


def preview_exit(preview: Preview) -> Exit:
    """0 where it would go out or be asked about, 3 where a rule would refuse it."""
    return Exit.DONE if preview.would in _WOULD else Exit.REFUSED


def preview_lines(preview: Preview, output: Output) -> list[str]:
    """A preview, whole."""
    from ringback.model.outbound import Channel

    reach = output.style("REAL PHONES RING", "red") if preview.live else "nothing leaves this machine"
    rows = [
        ("it would", output.style(_WOULD.get(preview.would, "be refused"), bold=True)),
        ("what", KINDS[Channel(preview.channel)]),
        ("to", f"{preview.to} ({preview.country}, {preview.line_type})"),
        ("from", preview.sender or ""),
        ("carrier", f"{preview.carrier} ({reach})"),
        ("when", due(seconds(preview.send_at)) if preview.send_at else "at once"),
        ("there", clean(preview.local_time) or "nobody knows what time it would be there"),
        *_size_rows(preview.travels),
        ("cost", clean(preview.cost)),
        ("repeats", f"{preview.repeats}: the same was asked for before" if preview.repeats else ""),
    ]
    says = ["The voice would say:", *barred(preview.says)] if preview.says else []
    return [
        "A preview. Nothing was stored or sent.",
        *aligned(rows, indent="  "),
        *says,
        *_suggestion(preview.travels),
        "Rules",
        *_ruling_lines(preview.rules, output),
        *(["On a carrier that reaches real phones"] if preview.on_a_real_line else []),
        *_ruling_lines(preview.on_a_real_line or (), output),
        *(["Left"] if preview.limits else []),
        *left_lines(preview.limits or ()),
        f"Next: {clean(preview.next).replace('without dry_run', 'without --dry-run')}",
    ]


def _size_rows(travels: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if travels is None:
        return []
    count = travels["segments"]
    counted = f"{count} {'segment' if count == 1 else 'segments'}, {travels['encoding']}, {travels['left']} left"
    forced = [f"{clean(each['char'])} ({each['name']}, {each['code']})" for each in travels.get("forced_by", ())]
    return [("size", counted), ("because of", ", ".join(forced))]


def _suggestion(travels: Mapping[str, Any] | None) -> list[str]:
    if travels is None or "suggestion" not in travels:
        return []
    count = travels["suggested_segments"]
    return [
        f"The same in GSM-7 would be {count} {'segment' if count == 1 else 'segments'}:",
        *barred(visible(travels["suggestion"])),
    ]


def _ruling_lines(rulings: Sequence[Ruling], output: Output) -> list[str]:
    width = max((len(ruling.rule) for ruling in rulings), default=0)
    lines: list[str] = []
    for ruling in rulings:
        name = f"{ruling.rule.replace('_', ' '):<{width}}"
        code = f"  ({ruling.code})" if ruling.code else ""
        lines.append(f"  {name}  {output.style(ruling.result, _COLOURS.get(ruling.result))}{code}")
        lines += [f"  {'':<{width}}  {clean(words)}" for words in (ruling.message, ruling.next) if words]
    return lines


def left_lines(limits: Iterable[Mapping[str, object]]) -> list[str]:
    """What is left of each limit and budget, one a line."""
    rows = []
    for each in limits:
        again = f"; the next passes at {each['next_at']}" if "next_at" in each else ""
        what = _FOR.get(str(each["for"]), str(each["for"]))
        rows.append((f"{what}, in any {each['per']}", f"{each['left']} of {each['limit']}{again}"))
    return aligned(rows, indent="  ")
