"""`mcp`, `console`, `sandbox` and `demo`: what runs until it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback_server.commands.output import Output

_PASSED_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
_IN_USE: Final = 3
_OTHERS_SECRETS: Final = ("RINGBACK_", "SAAS_")


@click.command()
def mcp() -> int:
    """Serve MCP on standard input and output; an assistant starts it."""
    from ringback_server.cli import serve_mcp

    return serve_mcp()


@click.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def console(arguments: tuple[str, ...]) -> int:
    """Serve the page where a person answers."""
    from ringback_server.console.serving import main

    return main(list(arguments)) or Exit.DONE


@click.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> int:
    """Show it: a text, a picture and a call, to the end."""
    from ringback_server.demo import main

    return main(list(arguments)) or Exit.DONE


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Preferred port; 0 for any free one.")
@click.option("--idle-exit", type=click.FloatRange(0), help="End when unused for so many seconds; 0 for never.")
@json_option
@click.pass_obj
def sandbox(output: Output, port: int | None, idle_exit: float | None) -> int:
    """Serve the sandbox's handset, or tell where it is.

    The sandbox is a carrier to try against, in your browser: nothing leaves this machine.
    """
    from ringback.settings import load_settings
    from ringback_server.doctor import running_process

    settings = load_settings()
    state = settings.home / "sandbox"
    found = running_process(state)
    if found is None:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        chosen = settings.sandbox_port if port is None else port
        code = _serve(state, ("--port", str(chosen), "--idle-exit", str(idle_exit or 0)), output)
        found = running_process(state) if code == _IN_USE else None
        if found is None:
            return Exit.TROUBLE if code else Exit.DONE
    url = str(found["url"])
    output.show({"url": url, "pid": found["pid"], "state": str(state), "started": False}, [f"It is served at {url}"])
    return Exit.DONE


def _serve(state: Path, options: tuple[str, ...], output: Output) -> int:
    """Run the sandbox in the foreground until it ends; its exit code. Ours and the carriers' secrets stay here."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OTHERS_SECRETS)}
    command = [sys.executable, "-m", "ringback_sandbox", "--state", str(state), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child, _passed_on_to(child):  # noqa: S603 - our own interpreter and module
        assert child.stdout is not None
        if child.stdout.readline():
            told = json.loads((state / "endpoint.json").read_text(encoding="utf-8"))
            document = {"url": told["url"], "pid": child.pid, "state": str(state), "started": True}
            output.show(
                document, [f"The sandbox's handset: {told['url']}", "Nothing leaves this machine. Ctrl-C ends it."]
            )
        return child.wait()


@contextmanager
def _passed_on_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let a request to end reach the child, which ends in order."""
    before = {
        number: signal.signal(number, lambda received, _: child.send_signal(received))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
