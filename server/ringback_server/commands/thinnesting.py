"""`thinnest`: what a person sets up at thinnest.ai, and the secret that it presents here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from ringback.errors import CarrierError, ConfigurationError, InvalidRequest, Refused
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.settings import Settings
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

PATH: Final = "/thinnest/sms"
"""Where `ringback serve` takes the texts of the service's agent."""
_HIDDEN: Final = "(hidden)"
_NOT_TOLD: Final = (
    "The service does not tell how the agent is set up now (reading one is not documented). This will be written:"
)


@click.group()
def thinnest() -> None:
    """Let a thinnest.ai voice agent text the other party of a call.

    See: ringback thinnest push --help
    """


@thinnest.command()
@json_option
@click.pass_obj
def secret(output: Output) -> int:
    """Make the secret that thinnest.ai presents to `ringback serve`; it is shown once.

    For a person, in their own terminal. An earlier one opens nothing any more. `ringback thinnest push` makes one
    by itself: this is for whoever sets the agent up on the service's own page.
    """
    from ringback.ledger.endpoints import new_secret
    from ringback.text_provider import THINNEST
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        require_passphrase(here)
        made = new_secret()
        here.run(here.opened.ledger.endpoints.put(THINNEST, made))
    lines = [f"Authorization: Bearer {made}", "", "It is shown this once. An earlier one opens nothing any more."]
    output.show({"secret": made}, lines)
    return Exit.DONE


@thinnest.command()
@click.option("--provider", type=click.Choice(["custom", "twilio"]), default="custom", show_default=True)
@click.option("--from-number", metavar="NUMBER", help="With twilio: which of your numbers texts. E.164.")
@click.option("--secret", "given", metavar="-|@FILE", help="With custom: the secret that was made. Default: a new one.")
@json_option
@click.pass_obj
def push(output: Output, provider: str, from_number: str | None, given: str | None) -> int:
    """Write provider and templates into the thinnest.ai agent.

    For a person, in their own terminal: it shows what changes, and asks. With custom the agent's texts come to
    `ringback serve` and go out under its rules. With twilio the service sends them by itself, past Ringback.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        bearer = _secret(here, given) if provider == "custom" else None
        tool = _tool(here.opened.settings, provider, from_number, bearer)
        here.run(_read_and_show(here.opened.settings, tool, output))
        if not _agreed(output):
            raise Refused("not_confirmed", "Nothing was written.", hint="Run it again, and type yes.")
        require_passphrase(here)
        here.run(_write(here.opened.settings, tool))
        if bearer is not None and given is None:
            from ringback.text_provider import THINNEST

            here.run(here.opened.ledger.endpoints.put(THINNEST, bearer))
    output.show({"written": True, "provider": provider}, ["Written. The agent texts so from its next call on."])
    return Exit.DONE


def _secret(here: Installation, given: str | None) -> str:
    """The secret as given, which must be the one that counts; or a new one, stored once it is written."""
    from ringback.ledger.endpoints import new_secret
    from ringback.text_provider import THINNEST
    from ringback_server.commands.inputs import Inputs

    if given is None:
        return new_secret()
    if given != "-" and (not given.startswith("@") or given.startswith("@@")):
        raise InvalidRequest(
            "A secret is not given on the command line, where other users can read it.",
            hint="Give it as - on standard input, or as @FILE. Make another one: ringback thinnest secret",
        )
    secret = Inputs().word(given, "--secret")
    if not here.run(here.opened.ledger.endpoints.fits(THINNEST, secret)):
        raise Refused("wrong_secret", "This is not the secret that counts here.", hint="Make one: leave --secret out.")
    return secret


def _tool(settings: Settings, provider: str, from_number: str | None, bearer: str | None) -> dict[str, Any]:
    """The tool's settings in the service's own words.

    Raises:
        InvalidRequest, ConfigurationError: what the provider needs is missing, or another one's was given.
    """
    from ringback.carriers.checks import is_safe_url
    from ringback.model.numbers import parse_number
    from ringback.templates import Templates

    if (problems := Templates(settings.templates_path).problems()) != []:
        raise ConfigurationError(f"templates.toml: {problems[0]}", hint="Correct it first; see: ringback doctor")
    tool: dict[str, Any] = {"enabled": True, "provider": provider}
    if bearer is None:
        number = from_number or settings.twilio_from_number
        tool |= {} if number is None else {"from_number": parse_number(number).e164}
    elif from_number is not None:
        raise InvalidRequest("A number to text from goes with twilio.", hint="Leave --from-number out.")
    tool["templates"] = {each.name: each.text for each in Templates(settings.templates_path).usable()}
    if bearer is not None:
        if not settings.public_url or not is_safe_url(settings.public_url):
            raise ConfigurationError(
                "The service needs a public https:// address to post to.",
                hint="Set RINGBACK_PUBLIC_URL to the address that leads to ringback serve.",
            )
        tool["custom_api_url"] = f"{settings.public_url.rstrip('/')}{PATH}"
        tool["custom_api_headers"] = {"Authorization": f"Bearer {bearer}"}
    return tool


async def _read_and_show(settings: Settings, tool: dict[str, Any], output: Output) -> None:
    from ringback.carriers.thinnest import build_agent

    agent = build_agent(settings)
    try:
        now = await agent.text_tool()
    finally:
        await agent.aclose()
    lines = [_NOT_TOLD] if now is None else ["What changes in the agent's sms_mid_call:"]
    output.tell("\n".join([*lines, *difference(now or {}, tool), ""]))


def difference(now: dict[str, Any], then: dict[str, Any]) -> list[str]:
    """What is taken away (-), what comes (+) and what stays; headers' values are hidden."""
    from ringback.model.text import visible

    before, after = _flat(now), _flat(then)
    lines = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        same = old == new and not name.startswith("custom_api_headers")
        lines += [f"    {name}: {new}"] if same else []
        lines += [f"  - {name}: {old}"] if old is not None and not same else []
        lines += [f"  + {name}: {new}"] if new is not None and not same else []
    return [visible(line) for line in lines]


def _flat(tool: dict[str, Any]) -> dict[str, str]:
    """Every setting on a line of its own, by its path."""
    flat: dict[str, str] = {}
    for name, value in tool.items():
        if isinstance(value, dict):
            hidden = name == "custom_api_headers"
            flat |= {f"{name}.{key}": _HIDDEN if hidden else json.dumps(each) for key, each in value.items()}
        else:
            flat[name] = json.dumps(value)
    return flat


async def _write(settings: Settings, tool: dict[str, Any]) -> None:
    from ringback.carriers.thinnest import build_agent

    agent = build_agent(settings)
    try:
        await agent.set_text_tool(tool)
    except CarrierError as error:
        error.hint = f"{error.hint} Look at the agent on the service's page, or run it again.".strip()
        raise
    finally:
        await agent.aclose()


def _agreed(output: Output) -> bool:
    from ringback_server.commands.terminal import ask, drop_typeahead

    drop_typeahead()
    return ask(output, "  Write this? Type yes: ") == "yes"
