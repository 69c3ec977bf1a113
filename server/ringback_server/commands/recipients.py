"""A recipient as a person names and confirms them: the number is asked for, shown whole, and its last digits typed."""

from __future__ import annotations

import hmac
import sys
from typing import TYPE_CHECKING

from ringback.errors import InvalidRequest, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback.model.numbers import PhoneNumber
    from ringback_server.commands.output import Output


def named_number(output: Output, given: str | None) -> PhoneNumber:
    """The number that a person gave or types now, at their own terminal.

    Raises:
        Refused: there is no terminal.
        InvalidNumber: it cannot be read.
    """
    from ringback_server.commands.terminal import drop_typeahead, require_terminal

    require_terminal(output)
    drop_typeahead()
    return any_number(output, None if given == "-" else given)


def any_number(output: Output, given: str | None) -> PhoneNumber:
    """The number as it was given; left out, it is asked for where a person is.

    Raises:
        InvalidRequest: none was given, and there is nobody to ask.
        InvalidNumber: it cannot be read.
    """
    from ringback.model.numbers import parse_number
    from ringback_server.commands.inputs import Inputs
    from ringback_server.commands.output import is_terminal
    from ringback_server.commands.terminal import ask

    if given is not None:
        return parse_number(Inputs().word(given, "NUMBER"))
    if not is_terminal(sys.stdin):
        raise InvalidRequest("A number is missing.", hint="Give it as NUMBER, as - or as @FILE.")
    return parse_number(ask(output, "Number, in E.164 form: ") or "")


def confirm_number(number: PhoneNumber, words: Sequence[str], output: Output, nothing: str) -> str:
    """Show the number whole with what is about to happen, and have the person type its last digits.

    Args:
        number: whose it is.
        words: what is about to happen, by line; in the first one `{number}` is filled in.
        output: where it is shown.
        nothing: says that nothing was done, where the digits are not the number's.

    Raises:
        Refused: they typed others, or none.
    """
    from ringback.questions import country_name
    from ringback_server.commands.terminal import ask_digits, drop_typeahead

    shown = f"{output.style(number.formatted, bold=True)} ({country_name(number)})"
    first, *rest = words
    # Only the first line is ours to fill in: a text that a person wrote may have braces of its own.
    lines = [first.replace("{number}", shown), *rest]
    drop_typeahead()
    output.tell("\n".join(["", *(line if line.startswith("  ") else f"  {line}" for line in lines), ""]))
    typed = ask_digits(output)
    if typed is None or not hmac.compare_digest(typed, number.last_digits):
        raise Refused("digits_did_not_match", "The digits are not the number's last ones.", hint=nothing)
    return typed
