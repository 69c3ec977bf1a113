"""`sms`, `mms` and `call`: what an agent wants to go out. They never ask: a person answers with `approve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback.errors import InvalidRequest
from ringback.model.outbound import Channel
from ringback.wishes import Asked
from ringback_server.commands.exits import receipt_exit
from ringback_server.commands.following import followed, wait_option
from ringback_server.commands.inputs import Inputs
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.settings import Settings
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

to_option = click.option("--to", required=True, metavar="NUMBER", help="E.164, e.g. +14155550123; @FILE reads a file.")
body_option = click.option("--body", required=True, metavar="TEXT", help="- reads standard input, @FILE a file.")
at_option = click.option(
    "--at",
    "send_at",
    metavar="TIME",
    help="When it goes out, with its zone or offset: 2026-11-22T09:00:00+01:00, or 2026-11-22 09:00 Europe/Berlin.",
)
dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Tell what would go out, for how much, and which rules stand in the way. Nothing is stored or sent.",
)
key_option = click.option(
    "--key", metavar="KEY", help="The same key with the same content is sent once, whenever it is repeated."
)


@click.command()
@click.option("--to", metavar="NUMBER", help="E.164, e.g. +14155550123; @FILE reads a file.")
@click.option("--call", "call_id", metavar="ID", help="In place of --to: a call of ours that is going on.")
@click.option("--body", metavar="TEXT", help="- reads standard input, @FILE a file.")
@click.option("--template", metavar="NAME", help="In place of --body: a template, by its name in templates.toml.")
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="One of its variables; may come again.")
@at_option
@key_option
@wait_option
@dry_run_option
@json_option
@click.pass_obj
def sms(output: Output, /, variables: tuple[str, ...], wait_s: float, *, dry_run: bool, **given: str | None) -> int:
    """Text one person.

    A person approves recipient and text first: until then it ends with 4. The same text to the same number within ten
    minutes is the first one again. With --at it is asked now and goes out then, by a process that runs by then:
    ringback serve, an assistant's server or the console. With --call the text goes to the other party of a call that
    rings or is answered now.
    """
    inputs = Inputs()
    to, body = given["to"], given["body"]
    number = None if to is None else inputs.word(to, "--to")
    text = None if body is None else inputs.text(body, "--body")
    asked = Asked(
        Channel.SMS,
        number,
        text,
        send_at=given["send_at"],
        key=given["key"],
        call_id=given["call_id"],
        template=given["template"],
        variables=_variables(variables, inputs),
    )
    return _send(output, asked, wait_s, dry_run=dry_run)


def _variables(given: tuple[str, ...], inputs: Inputs) -> dict[str, object] | None:
    values: dict[str, object] = {}
    for each in given:
        name, is_pair, value = each.partition("=")
        if not is_pair or not name or name in values:
            raise InvalidRequest("A variable is given as NAME=VALUE, each name once.", hint="Correct --var.")
        values[name] = inputs.text(value, "--var")
    return values or None


@click.command()
@to_option
@body_option
@click.option(
    "--media-url", required=True, metavar="URL", help="https URL that the carrier fetches; @FILE reads a file."
)
@at_option
@key_option
@wait_option
@dry_run_option
@json_option
@click.pass_obj
def mms(output: Output, /, wait_s: float, *, dry_run: bool, **given: str) -> int:
    """Text one person with a picture or a document.

    Approved like sms.
    """
    inputs = Inputs()
    number, text = inputs.word(given["to"], "--to"), inputs.text(given["body"], "--body")
    url = inputs.word(given["media_url"], "--media-url")
    asked = Asked(Channel.MMS, number, text, url, send_at=given["send_at"], key=given["key"])
    return _send(output, asked, wait_s, dry_run=dry_run)


@click.command()
@to_option
@click.option(
    "--prompt", required=True, metavar="TEXT", help="What the voice says; - reads standard input, @FILE a file."
)
@at_option
@key_option
@wait_option
@dry_run_option
@json_option
@click.pass_obj
def call(output: Output, /, wait_s: float, *, dry_run: bool, **given: str) -> int:
    """Call one person; a voice says the prompt.

    Approved like sms. The keys that are pressed are told by `ringback status`.
    """
    inputs = Inputs()
    number, text = inputs.word(given["to"], "--to"), inputs.text(given["prompt"], "--prompt")
    asked = Asked(Channel.VOICE, number, text, send_at=given["send_at"], key=given["key"])
    return _send(output, asked, wait_s, dry_run=dry_run)


def _send(output: Output, asked: Asked, wait_s: float, *, dry_run: bool) -> int:
    from ringback.telephone import asked_by
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import receipt_lines

    asked_by.set("the ringback command")
    with installation() as here:
        if dry_run:
            return _preview(here, asked, output)
        receipt = followed(here, here.run(here.opened.telephone.send(asked)), wait_s, output)
        page = _page(here.opened.settings) if receipt.status == "awaiting_approval" else None
        sends = receipt.send_at is None or sends_later(here.opened.settings)
    lines = receipt_lines(receipt, output) + ([f"or on the page: {page}"] if page else [])
    if not sends:
        lines.append("Nothing that would send it then is seen to run now. Start: ringback serve")
    output.show({**receipt.as_dict(), **({"approve_at": page} if page else {})}, lines)
    return receipt_exit(receipt)


def _preview(here: Installation, asked: Asked, output: Output) -> int:
    from ringback_server.commands.previewing import preview_exit, preview_lines

    preview = here.run(here.opened.telephone.preview(asked))
    output.show(preview.as_dict(), preview_lines(preview, output))
    return preview_exit(preview)


def sends_later(settings: Settings) -> bool:
    """Whether a process that sends what is scheduled is seen to run. An assistant's server cannot be seen."""
    from ringback_server.doctor import running_process

    return any(running_process(settings.home / name) for name in ("serve", "console"))


def _page(settings: Settings) -> str | None:
    """Where the person can answer, if the console runs; a command starts none."""
    from ringback_server.console.starting import running_console

    return running_console(settings)
