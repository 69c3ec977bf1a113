"""`doctor`: the diagnosis, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback_server.commands.output import Output
    from ringback_server.doctor import Diagnosis


@click.command()
@json_option
@click.pass_obj
def doctor(output: Output) -> int:
    """What is configured, missing or broken.

    It tells whether the carrier answers and where the data lies; it shows no number, no text and no
    secret. Ends with 0, or with 7 where something is broken.
    """
    from ringback_server.doctor import diagnose

    found = diagnose()
    output.show(found.as_dict(), _lines(found, output))
    return Exit.TROUBLE if found.problems else Exit.DONE


def _lines(found: Diagnosis, output: Output) -> list[str]:
    from ringback_server.commands.output import aligned, clean

    lines: list[str] = []
    for section, facts in found.facts.items():
        rows = [(name.replace("_", " "), clean(_value(value))) for name, value in facts.items() if name != "libraries"]
        lines += [output.style(section, bold=True), *aligned(rows, indent="  ")]
    for heading, colour, texts in (("problems", "red", found.problems), ("warnings", "yellow", found.warnings)):
        if texts:
            lines += [output.style(heading, colour, bold=True), *(f"  - {clean(text)}" for text in texts)]
    return [*lines, "" if found.problems else "Nothing is broken."]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
