"""Runs a command and turns whatever goes wrong into words and an exit code, never a traceback with values in it."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import click

from ringback.errors import InvalidRequest, RingbackError
from ringback_server import logs
from ringback_server.commands.exits import Exit, error_exit
from ringback_server.commands.output import Output, forget
from ringback_server.commands.root import root

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    output = Output.choose(arguments)
    # What a warning would say of an outbound, its receipt says too; servers log warnings, a single command does not.
    logs.configure(level=logging.ERROR)
    try:
        return _run(arguments, output)
    except RingbackError as error:
        output.fail(error)
        return error_exit(error)
    except (click.Abort, KeyboardInterrupt):
        output.note("Interrupted. What was handed to the carrier by then is in: ringback history")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        forget(sys.stdout)
        return Exit.DONE
    except Exception as error:
        logging.getLogger(__name__).exception("a command broke")
        broken = RingbackError(
            f"Something broke inside Ringback ({type(error).__name__}).",
            hint="Look at the history before you try again: it may have gone out.",
        )
        output.fail(broken)
        return Exit.DEFECT


def _run(arguments: Sequence[str], output: Output) -> int:
    try:
        code = root.main(args=list(arguments), prog_name="ringback", standalone_mode=False, obj=output)
    except click.UsageError as error:
        raise _usage(error) from None
    return code if isinstance(code, int) else Exit.DONE


def _usage(error: click.UsageError) -> InvalidRequest:
    """What was wrong with the call, without the values: one of them may be a number or a text."""
    hint = f"See: {error.ctx.command_path if error.ctx else 'ringback'} --help"
    if isinstance(error, click.MissingParameter | click.BadOptionUsage):
        return InvalidRequest(error.format_message(), hint=hint)
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand):
        return InvalidRequest(_unknown(error), hint=hint)
    if isinstance(error, click.BadParameter):
        named = error.param.get_error_hint(error.ctx) if error.param and error.ctx else "a parameter"
        return InvalidRequest(f"The value of {named} is not one that it takes.", hint=hint)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return InvalidRequest("A command is missing.", hint=hint)
    quoting = "Put a text that has spaces into quotes, or give it as - or @FILE."
    return InvalidRequest("There are more arguments than this command takes.", hint=f"{quoting} {hint}")


def _unknown(error: click.NoSuchOption | click.NoSuchCommand) -> str:
    name = error.option_name if isinstance(error, click.NoSuchOption) else error.command_name
    kind = "option" if isinstance(error, click.NoSuchOption) else "command"
    if not re.fullmatch(r"-{0,2}[a-z-]{1,20}", name):
        return f"There is no such {kind}."
    close = f" Perhaps {' or '.join(error.possibilities)} is meant." if error.possibilities else ""
    return f"There is no {kind} {name}.{close}"
