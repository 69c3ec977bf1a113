"""The performance: check, a text, a picture, a call with a key, their status to the end, and the history."""

from __future__ import annotations

import asyncio
import secrets
import signal
from contextlib import AsyncExitStack
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import click
import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from ringback import __version__
from ringback.approvals import DEMO_CLIENT
from ringback.model.voice import spoken
from ringback_server.demo.handset import Handset, HandsetError
from ringback_server.demo.people import Left

if TYPE_CHECKING:
    from mcp.client import ClientRequestContext

    from ringback_server.demo.people import Person
    from ringback_server.demo.stage import Stage

RECIPIENT: Final = "+12025550123"
"""From the range that is set aside for fiction."""
PICTURE: Final = "https://sandbox.ringback.example/receipt.png"
"""A picture that the sandbox shows without asking any other machine for it."""
_LONGEST_WAIT_S: Final = 25
_MOVING: Final = {"approved", "dispatching", "accepted", "queued", "sent", "ringing", "in_progress"}
_PERSON_SAID_NO: Final = {"declined", "cancelled"}
_NOBODY_REACHED: Final = {"no_answer", "busy"}

Receipt = dict[str, Any]


class NotAsPromisedError(Exception):
    """A step did not do what Ringback promises; its text says which and how."""


async def perform(stage: Stage, person: Person, limit_s: float | None) -> None:
    """Run every step and print what happens.

    Raises:
        NotAsPromisedError: a step went otherwise, or all took longer than `limit_s` seconds.
        Left: the person ended the input.
        BrokenPipeError: nobody reads what is printed any more.
    """
    failure: NotAsPromisedError | Left | BrokenPipeError | None = None
    _cancelled_by(signal.SIGTERM, signal.SIGHUP)
    tour = _Tour(stage, person)
    server = StdioServerParameters(command=stage.command[0], args=stage.command[1:], env=stage.environment)
    try:
        async with asyncio.timeout(limit_s), AsyncExitStack() as stack:
            client = Client(
                server,
                client_info=types.Implementation(name=DEMO_CLIENT, version=__version__),
                elicitation_callback=tour.elicited,
            )
            await stack.enter_async_context(client)
            # Kept rather than raised: it would leave the client's task groups wrapped in groups of its own.
            try:
                await tour.run(client)
            except (NotAsPromisedError, Left, BrokenPipeError) as error:
                failure = error
            except HandsetError as error:
                failure = NotAsPromisedError(f"{error}.")
    except TimeoutError:
        failure = NotAsPromisedError(f"it took longer than {limit_s:.0f} seconds.")
    if failure is not None:
        raise failure


def _cancelled_by(*signals: signal.Signals) -> None:
    """Let these signals end the demo as Ctrl-C does: with everything that it started."""
    task = asyncio.current_task()
    assert task is not None
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


class _Tour:
    """One performance's steps, before one client."""

    def __init__(self, stage: Stage, person: Person) -> None:
        self._stage = stage
        self._person = person
        self._client: Client | None = None
        self._handset: Handset | None = None
        self._left = False
        self._steps = 0
        self._wishes = 0
        self._run = secrets.token_hex(2)  # tells this run's messages from another's on the same handset
        self._receipts: list[Receipt] = []

    async def elicited(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """What the MCP client does when the server asks the person: show the question whole, pass on the answer."""
        del context
        try:
            click.echo("   The server asks the person:")
            for line in params.message.splitlines():
                click.echo(f"   | {line}".rstrip())
            answer = await self._person.answer(params.message)
        except (Left, BrokenPipeError):
            self._left, answer = True, None
        if answer is None:
            return types.ElicitResult(action="cancel")
        return types.ElicitResult(action="accept", content=dict(answer))

    async def run(self, client: Client) -> None:
        """Every step."""
        self._client = client
        server = client.server_info
        name = f"{server.name} {server.version}" if server else "the server"
        click.echo(f"Ringback's demo, MCP {client.protocol_version} with {name}. Nothing leaves this machine.")
        await self._check()
        await self._message("send-sms", f"Hello! An agent wrote this, a person approved it. (demo {self._run})")
        await self._message("send-mms", f"Here is your receipt. (demo {self._run})", media_url=PICTURE)
        await self._call()
        await self._history()
        self._tell_how_to_go_on()
        await self._person.leave()

    async def _check(self) -> None:
        self._step("check-telephony")
        line = await self._use("check-telephony")
        _expect(line.get("enabled") is True, "check-telephony does not say that telephony is enabled")
        _expect(line.get("live") is not True and "page" in line, "check-telephony does not tell the handset's address")
        click.echo(f"   {line['summary']}")
        self._handset = Handset(line["page"])
        await self._person.look(line["page"])

    async def _message(self, tool: str, text: str, **more: str) -> None:
        self._step(tool)
        receipt = await self._to_the_end(await self._propose(tool, to=RECIPIENT, body=text, **more))
        self._receipts.append(receipt)
        arrived = await self._on_handset.messages(text)
        if self._refused_by_person(receipt):
            _expect(not arrived, f"{tool}: the person said no, and yet it arrived")
            return
        _expect(receipt["status"] == "delivered", f"{tool} ended as {receipt['status']}, not as delivered")
        _expect(len(arrived) == 1, f"{tool}: the sandbox's own record holds it {len(arrived)} times, not once")
        _expect(arrived[0]["status"] == "delivered", f"{tool}: the handset has not received it")
        _expect(arrived[0]["media_url"] == more.get("media_url"), f"{tool}: the picture is not the one that was sent")
        click.echo("   The handset has it, exactly once.")

    async def _call(self) -> None:
        self._step("voice-call")
        prompt = f"Hello, this is an automated call. Press 1 to confirm. (demo {self._run})"
        said = spoken(prompt, caller=None)  # as the stage names nobody
        attempt, calling = 0, True
        while calling:
            attempt += 1
            receipt = await self._propose("voice-call", to=RECIPIENT, prompt=prompt)
            if receipt["status"] in _MOVING:
                receipt = await self._through(receipt, said)
            self._receipts.append(receipt)
            calling = receipt["status"] in _NOBODY_REACHED and await self._person.again()
        calls = await self._on_handset.calls(said)
        if self._refused_by_person(receipt):
            _expect(len(calls) == attempt - 1, "voice-call: the person said no, and yet it rang")
            return
        _expect(len(calls) == attempt, f"voice-call: it rang {len(calls)} times, not {attempt}")
        pressed = receipt.get("keys", "")
        latest = max(calls, key=itemgetter("seq"))
        _expect(pressed == latest["digits"], "voice-call: the keys that came back are not the pressed ones")
        if self._person.automatic:
            _expect(receipt["status"] == "completed", f"voice-call ended as {receipt['status']}, not as completed")
            _expect(pressed == "1", "voice-call: key 1 was pressed and did not come back")
        click.echo(f"   Keys that came back: {pressed or 'none'}.")

    async def _through(self, receipt: Receipt, said: str) -> Receipt:
        """Follow a call to its end while the person takes it."""
        taking = asyncio.create_task(self._person.take_call(self._on_handset, said))
        try:
            return await self._to_the_end(receipt)
        finally:
            # Whoever waits for a call that has ended would wait for ever; whoever took it is done by now.
            taking.cancel()
            await asyncio.wait([taking])
            if not taking.cancelled():
                taking.result()

    async def _history(self) -> None:
        self._step("history")
        page = await self._use("history", limit=20)
        listed = {item["id"]: item for item in page["items"]}
        for receipt in self._receipts:
            item = listed.get(receipt["id"])
            _expect(item is not None and item["status"] == receipt["status"], "history does not tell what happened")
            click.echo(f"   {receipt['channel']:<6} {receipt['to']}  {receipt['status']}")

    async def _propose(self, tool: str, **arguments: str) -> Receipt:
        """Ask for one outbound, and again where the person mistyped: wrong digits count as no and end it."""
        while True:
            self._wishes += 1
            key = f"demo-{self._run}-{self._wishes}"
            receipt = await self._use(tool, **arguments, idempotency_key=key)
            if self._person.automatic or receipt.get("reason") != "digits_did_not_match":
                return receipt
            click.echo(f"   {receipt['summary']} Once more.")

    async def _to_the_end(self, receipt: Receipt) -> Receipt:
        """Follow one outbound by `status` until nothing can change any more, telling every change."""
        click.echo(f"   {receipt['to']}: {receipt['status']}. {receipt['summary']}")
        while receipt["status"] in _MOVING:
            before = receipt["status"]
            receipt = await self._use("status", id=receipt["id"], wait=_LONGEST_WAIT_S)
            if receipt["status"] != before:
                click.echo(f"   status: {receipt['status']}. {receipt['summary']}")
        return receipt

    async def _use(self, tool: str, **arguments: str | int) -> Receipt:
        """Call one tool through MCP; its structured result."""
        assert self._client is not None
        result = await self._client.call_tool(tool, arguments)
        if self._left:
            raise Left
        if result.is_error or result.structured_content is None:
            told = " ".join(block.text for block in result.content if isinstance(block, types.TextContent))
            raise NotAsPromisedError(f"{tool} failed. {told}")
        return dict(result.structured_content)

    def _refused_by_person(self, receipt: Receipt) -> bool:
        """Whether the person themselves said no, which is theirs to say. The demo in their place never does."""
        return not self._person.automatic and receipt["status"] in _PERSON_SAID_NO

    def _step(self, tool: str) -> None:
        self._steps += 1
        click.echo(f"\n{self._steps}. {tool}")

    @property
    def _on_handset(self) -> Handset:
        assert self._handset is not None
        return self._handset

    def _tell_how_to_go_on(self) -> None:
        where = f"is in {self._stage.home}"
        if self._stage.temporary:
            where = (
                "is in a temporary folder, which goes when the demo ends; `ringback doctor` tells where yours will lie"
            )
        click.echo(f"\nAll as promised. The data {where}.")
        click.echo("Go on: README.md tells how to add Ringback to an assistant, and how to reach real phones.")


def _expect(kept: bool, broken: str) -> None:  # noqa: FBT001 - reads as a sentence: expect this, or say that
    if not kept:
        raise NotAsPromisedError(f"{broken}.")
