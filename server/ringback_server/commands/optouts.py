"""`optout`: who wants no more: note them down, lift it, list them, take a list in and give it out."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringback.errors import InvalidRequest, Refused
from ringback_server.commands.exits import Exit
from ringback_server.commands.recipients import any_number, confirm_number, named_number
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from typing import BinaryIO

    from ringback.ledger.records import OptOut
    from ringback.model.numbers import PhoneNumber
    from ringback.opting_out import Imported, Noted
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_BY: Final = {
    "text": "by their own text",
    "keys": "by keys in a call",
    "page": "noted on the console",
    "terminal": "noted by this command",
    "import": "from a list",
}
_THEIR_OWN: Final = frozenset({"text", "keys"})
_OWN_WORD: Final = "They said so THEMSELVES. Lift it only if they asked for it: the law may be on their side."


@click.group()
def optout() -> None:
    """Who gets no more messages and calls: add, lift, list, import, export.

    Somebody who writes STOP or presses star nine in a call is noted down by itself, and lifted by writing START.
    """


@optout.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def add(output: Output, /, number: str | None) -> int:
    """Note down that somebody wants no more. Nothing goes out to them from then on.

    What waits for them or is scheduled is cancelled. NUMBER may be - or @FILE, which leaves it out of the shell's
    history. Left out, it is asked for. No terminal is needed: it only makes Ringback stricter.
    """
    from ringback_server.commands.installation import installation

    parsed = any_number(output, number)
    with installation() as here:
        noted = here.run(here.opened.person.opt_outs.add(parsed.e164, via="terminal"))
    document = {
        "opted_out": True,
        "new": noted.is_new,
        "cancelled": noted.cancelled,
        "on_their_way": noted.on_their_way,
    }
    output.show(document, _noted_lines(noted))
    return Exit.DONE


def _noted_lines(noted: Noted) -> list[str]:
    lines = [
        "Noted down. Nothing goes out to them any more." if noted.is_new else "They had opted out before.",
        f"Cancelled: {noted.cancelled}",
    ]
    if noted.on_their_way:
        lines.append(f"{noted.on_their_way} are still being handed to the carrier and cannot be called back.")
    return [*lines, "Lift it: ringback optout lift"]


@optout.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def lift(output: Output, /, number: str | None) -> int:
    """Let messages and calls go out to somebody again.

    For a person, in their own terminal. What was cancelled stays cancelled. Where they opted out by their own word, it
    is asked twice. NUMBER may be - or @FILE. Left out, it is asked for.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase

    parsed = named_number(output, number)
    with installation() as here:
        standing = next((one for one in here.run(here.opened.person.opt_outs.standing()) if one.number == parsed), None)
        _confirm_lift(parsed, standing, output)
        require_passphrase(here)
        lifted = here.run(here.opened.person.opt_outs.lift(parsed.e164))
    said = "Lifted. What was cancelled stays cancelled." if lifted else "They had not opted out. Nothing was changed."
    output.show({"lifted": lifted}, [said])
    return Exit.DONE


def _confirm_lift(number: PhoneNumber, standing: OptOut | None, output: Output) -> None:
    """Say what lifting does, and have it confirmed; what they said themselves is confirmed by a word, too.

    Raises:
        Refused: it was not confirmed.
    """
    from ringback_server.commands.terminal import ask
    from ringback_server.commands.words import moment

    words = ["From now on the agent may write to {number} and call them again, as the other rules allow."]
    if standing is not None:
        words.append(f"They opted out {_by(standing.via)}, on {moment(standing.since)}.")
    is_own = standing is not None and standing.via in _THEIR_OWN
    if is_own:
        words.append(output.style(_OWN_WORD, "red", bold=True))
    confirm_number(number, words, output, "Nothing was lifted.")
    if is_own and ask(output, "  Type lift if they asked for it, anything else to leave it: ") != "lift":
        raise Refused("not_confirmed", "It was not confirmed.", hint="Nothing was lifted.")


@optout.command("list")
@json_option
@click.pass_obj
def list_(output: Output) -> int:
    """Everybody who has opted out, with whole numbers, the newest first.

    For a person, in their own terminal.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        require_passphrase(here)
        standing = here.run(here.opened.person.opt_outs.standing())
    lines = [*(_line(one, output) for one in standing), "", f"Opted out: {len(standing)}"]
    output.show({"items": [_document(one) for one in standing]}, lines if standing else ["Nobody has opted out."])
    return Exit.DONE


def _line(one: OptOut, output: Output) -> str:
    from ringback_server.commands.words import moment

    number = output.style(one.number.formatted, bold=True)
    return f"{moment(one.since)}  {number} ({one.number.region or 'no country that is known'})  {_by(one.via)}"


def _document(one: OptOut) -> dict[str, object]:
    return {
        "number": one.number.e164,
        "country": one.number.region,
        "contact": one.contact,
        "via": one.via,
        "since": one.since,
    }


def _by(via: str) -> str:
    return _BY.get(via, via)


@optout.command("import")
@click.argument("file", metavar="FILE|-")
@json_option
@click.pass_obj
def import_(output: Output, /, file: str) -> int:
    """Take in a list of people who want no more; all of it, or nothing.

    CSV in UTF-8: the number in the first column, or in one that the first line calls phone, number or to. - reads
    standard input. What waits for them is cancelled. No terminal is needed: it only makes Ringback stricter.
    """
    from ringback_server.commands.installation import installation

    text = _read(file)
    with installation() as here:
        imported = here.run(here.opened.person.opt_outs.import_list(text))
    document = {"new": imported.new, "known": imported.known, "lines": imported.lines}
    output.show(document, _imported_lines(imported))
    return Exit.DONE


def _imported_lines(imported: Imported) -> list[str]:
    twice = imported.lines - imported.new - imported.known
    told = [f"Taken in: {imported.new} new, {imported.known} known before."]
    return [*told, f"Numbers that came more than once in it: {twice} more lines."] if twice else told


def _read(file: str) -> str:
    """The list, as text.

    Raises:
        InvalidRequest: it cannot be read, is too large, or is not UTF-8.
    """
    if file == "-":
        if sys.stdin is None:
            raise InvalidRequest("FILE - needs standard input, which is closed.", hint="Give the list as a file.")
        return _decoded(sys.stdin.buffer)
    try:
        with Path(file).open("rb") as stream:
            return _decoded(stream)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such path"
        raise InvalidRequest(
            f"The list cannot be read: {reason}.", hint="Check the path. Nothing was stored."
        ) from None


def _decoded(source: BinaryIO) -> str:
    from ringback.opting_out import LARGEST_FILE

    data = source.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise InvalidRequest(f"The list is larger than {LARGEST_FILE} bytes.", hint="Split it. Nothing was stored.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("The list is not UTF-8 text.", hint="Save it as UTF-8. Nothing was stored.") from None


@optout.command("export")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def export_(output: Output, /, file: Path | None) -> int:
    """Give the list out as CSV, with whole numbers: into FILE, which only you can read, or onto the screen.

    For a person, in their own terminal. A file that is there already is replaced only after a yes.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        _confirm_replacing(file, output)
        require_passphrase(here)
        text, count = _exported(here)
    if file is None:
        output.show({"csv": text}, [text.rstrip("\n")])
        return Exit.DONE
    _write(file, text)
    output.show({"written": count}, [f"Written: {count}. Whoever reads the file sees whole numbers."])
    return Exit.DONE


def _exported(here: Installation) -> tuple[str, int]:
    text = here.run(here.opened.person.opt_outs.export_list())
    return text, text.count("\n") - 1


def _confirm_replacing(file: Path | None, output: Output) -> None:
    """Ask before a file is replaced.

    Raises:
        InvalidRequest: what is there is no file.
        Refused: the person did not type the word.
    """
    from ringback_server.commands.terminal import ask, drop_typeahead

    if file is None or not os.path.lexists(file):
        return
    if not stat.S_ISREG(file.lstat().st_mode):
        raise InvalidRequest("What is there is no file of its own.", hint="Name another one. Nothing was written.")
    drop_typeahead()
    if ask(output, "  The file is there already. Type replace to replace it: ") != "replace":
        raise Refused("not_confirmed", "The file was left as it is.", hint="Nothing was written.")


def _write(file: Path, text: str) -> None:
    """Write beside it, for nobody else to read, and put it in place whole.

    Raises:
        InvalidRequest: it cannot be written there.
    """
    import tempfile

    try:
        handle, beside = tempfile.mkstemp(prefix=".optouts-", dir=file.parent)  # with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(beside, file)  # noqa: PTH105 - a path and a name
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such path"
        raise InvalidRequest(f"The list cannot be written there: {reason}.", hint="Name another file.") from None
