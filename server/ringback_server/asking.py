"""Asks the person through the MCP client, in both protocol eras, and takes the answer.

In the handshake era (up to 2025-11-25) the server sends `elicitation/create` and waits. In the stateless era
(2026-07-28) the tool returns an input-required result and the client repeats the call with the person's answer; what it
carries in between is sealed, names one outbound, and counts once (a nonce in the ledger).

What a client answers is the client's word: level A1. It never weakens what the installation asks for.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ringback.approvals import Answer
from ringback.errors import RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server.context import ServerRequestContext

    from ringback.approvals import Question
    from ringback.person import Person
    from ringback.receipts import Receipt

_QUESTION: Final = "approval"
_VERBS: Final = {Channel.SMS: "Text", Channel.MMS: "Text with a picture or document", Channel.VOICE: "Call"}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "last_digits": {
            "type": "string",
            "title": "Last 4 digits of the number",
            "description": "Type them from the number shown above; wrong digits count as no",
        },
        "choice": {
            "type": "string",
            "title": "Your answer",
            "oneOf": [
                {"const": "once", "title": "Yes, this once"},
                {"const": "day", "title": "Yes, and trust this number for a day (up to 20 of this kind)"},
                {"const": "no", "title": "No"},
            ],
        },
    },
    "required": ["last_digits", "choice"],
}
_log = logging.getLogger(__name__)


class Asking:
    """Puts one waiting outbound before the person, if this client can."""

    def __init__(self, person: Person, console: Callable[[], Awaitable[str | None]]) -> None:
        self._person = person
        self._console = console

    async def ask(
        self, context: ServerRequestContext[Any, Any], receipt: dict[str, object]
    ) -> dict[str, object] | types.InputRequiredResult:
        """Ask about an outbound that waits: a receipt once it is answered, or the question for the client to carry.

        Where the client cannot ask, or its word does not count here, the receipt says where the person answers.
        """
        outbound_id = str(receipt["id"])
        if self._person.least > Level.A1 or not _can_ask(context):
            return await self._elsewhere(receipt)
        nonce = await self._person.ask_client(outbound_id)
        if nonce is None:
            return receipt
        question = await self._person.question(outbound_id)
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return _input_required(question, nonce)
        try:
            result = await context.session.elicit_form(_words(question), _SCHEMA, related_request_id=context.request_id)
        except MCPError as error:
            _log.info("outbound %s: the client could not ask the person: error %s", outbound_id, error.error.code)
            return await self._elsewhere(receipt)
        return (await self._answer(context, outbound_id, nonce, result)).as_dict()

    async def answered(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> dict[str, object]:
        """The receipt after a client of the stateless era came back. Without an answer the outbound goes on waiting.

        `request_state` was sealed by us, bound to this call's arguments, and is younger than ten minutes: the SDK has
        checked that before a tool sees it.
        """
        state = json.loads(params.request_state or "{}")
        outbound_id, nonce = str(state.get("id")), str(state.get("nonce"))
        result = (params.input_responses or {}).get(_QUESTION)
        if not isinstance(result, types.ElicitResult):
            result = types.ElicitResult(action="cancel")
        return (await self._answer(context, outbound_id, nonce, result)).as_dict()

    async def _answer(
        self, context: ServerRequestContext[Any, Any], outbound_id: str, nonce: str, result: types.ElicitResult
    ) -> Receipt:
        content = result.content or {}
        digits = content.get("last_digits")
        answer = Answer(
            _choice(result),
            Level.A1,
            f"client:{_client_name(context)}",
            digits=digits if isinstance(digits, str) else "",
            nonce=nonce,
        )
        return await self._person.answer(outbound_id, answer)

    async def _elsewhere(self, receipt: dict[str, object]) -> dict[str, object]:
        """The receipt with the place where the person answers: the console page, or a terminal."""
        try:
            page = await self._console()
        except RingbackError as error:
            _log.warning("the console could not be started: %s", error.reason)
            page = None
        where = f"opens {page} or runs" if page else "runs"
        following = (
            f"Tell the person that it waits for their yes: the person {where} `ringback approve {receipt['id']}` in a "
            "terminal, within 10 minutes. It goes by itself then. Do not send it again."
        )
        return {**receipt, "next": following, **({"approve_at": page} if page else {})}


def _can_ask(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client shows forms to a person; a bare `elicitation: {}` means that it does."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _input_required(question: Question, nonce: str) -> types.InputRequiredResult:
    params = types.ElicitRequestFormParams(message=_words(question), requested_schema=_SCHEMA)
    return types.InputRequiredResult(
        request_state=json.dumps({"id": question.id, "nonce": nonce}),
        input_requests={_QUESTION: types.ElicitRequest(params=params)},
    )


def _choice(result: types.ElicitResult) -> Choice:
    """What the person chose; anything that is not a clear yes is none."""
    if result.action == "decline":
        return Choice.NO
    chosen = (result.content or {}).get("choice")
    if result.action != "accept" or not isinstance(chosen, str):
        return Choice.DISMISSED
    return {"once": Choice.ONCE, "day": Choice.DAY, "no": Choice.NO}.get(chosen, Choice.DISMISSED)


def _client_name(context: ServerRequestContext[Any, Any]) -> str:
    """The client's own name for itself, without digits: it is stored in plain."""
    params = context.session.client_params
    name = params.client_info.name if params is not None else ""
    return re.sub(r"[^A-Za-z ._-]", "", name)[:40] or "unnamed"


def _words(question: Question) -> str:
    """The question as the person reads it: from the stored outbound, never from the model's words."""
    call = question.channel is Channel.VOICE
    reach = "Real phones ring." if question.live else "Sandbox: nothing leaves this machine."
    lines = [
        f"{_VERBS[question.channel]}: {question.number} ({question.country})",
        f"Carrier: {question.carrier}. {reach}",
        "",
        "The voice says:" if call else "The text:",
        *(f"> {line}" for line in question.text.split("\n")),
        "",
    ]
    if question.media_url is not None:
        lines.append(f"Attached, from {question.media_host}: {question.media_url}")
    if question.segments is not None:
        count = question.segments.count
        lines.append(f"{count} {'segment' if count == 1 else 'segments'}, {question.segments.encoding}.")
    lines.append(f"{'Call' if call else 'Send it'}? Type the last 4 digits of the number and choose.")
    return "\n".join(lines)
