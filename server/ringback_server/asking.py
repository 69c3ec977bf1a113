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
from pydantic import ValidationError

from ringback.approvals import Answer
from ringback.errors import RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.status import Status
from ringback_server.questions import FORM, briefly_when, words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server.context import ServerRequestContext

    from ringback.person import Person
    from ringback.receipts import Receipt
    from ringback.telephone import Telephone

    Context = ServerRequestContext[Any, Any]

_QUESTION: Final = "approval"
_PAGE_WAIT_S: Final = 20.0
"""How long a call waits for an answer on the page, once the client has opened it."""
_log = logging.getLogger(__name__)


class Asking:
    """Puts one waiting outbound before the person, if this client can."""

    def __init__(self, person: Person, telephone: Telephone, console: Callable[[], Awaitable[str | None]]) -> None:
        self._person = person
        self._telephone = telephone
        self._console = console

    async def ask(self, context: Context, receipt: dict[str, object]) -> dict[str, object] | types.InputRequiredResult:
        """Ask about an outbound that waits: a receipt once it is answered, or the question for the client to carry.

        By the client's form where its word counts here; else by opening our page through the client; and where it can
        do neither, or it is one of a list, the receipt says where the person answers.
        """
        form, url = _ways(context)
        if receipt.get("bulk"):  # it is one of a list, which grows while the client would ask
            page = await self._page()
            return receipt if page is None else {**receipt, "approve_at": page}
        if form and self._person.least <= Level.A1:
            return await self._ask_by_form(context, receipt)
        page = await self._page()
        if url and page is not None:
            return await self._ask_by_page(context, receipt, page)
        return _elsewhere(receipt, page)

    async def answered(self, context: Context, params: types.CallToolRequestParams) -> dict[str, object]:
        """The receipt after a client of the stateless era came back. Without an answer the outbound goes on waiting.

        `request_state` was sealed by us, bound to this call's arguments, and is younger than ten minutes: the SDK has
        checked that before a tool sees it.
        """
        state = json.loads(params.request_state or "{}")
        outbound_id, nonce = str(state.get("id")), str(state.get("nonce"))
        result = (params.input_responses or {}).get(_QUESTION)
        if not isinstance(result, types.ElicitResult):
            return (await self._telephone.status(outbound_id)).bare().as_dict()
        if state.get("by") == "page":
            return await self._after_page(context, outbound_id, nonce, result)
        return (await self._answer(context, outbound_id, nonce, result)).bare().as_dict()

    async def _ask_by_form(
        self, context: Context, receipt: dict[str, object]
    ) -> dict[str, object] | types.InputRequiredResult:
        outbound_id = str(receipt["id"])
        nonce = await self._person.ask_client(outbound_id)
        if nonce is None:
            return receipt
        text = words(await self._person.question(outbound_id))
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            form = types.ElicitRequestFormParams(message=text, requested_schema=FORM)
            return _input_required({"id": outbound_id, "nonce": nonce, "by": "form"}, form)
        try:
            result = await context.session.elicit_form(text, FORM, related_request_id=context.request_id)
        except (MCPError, ValidationError) as error:  # it failed, or what it answered cannot be read
            _log.info("outbound %s: the client brought no answer: %s", outbound_id, type(error).__name__)
            return _elsewhere(receipt, await self._page())
        return (await self._answer(context, outbound_id, nonce, result)).bare().as_dict()

    async def _ask_by_page(
        self, context: Context, receipt: dict[str, object], page: str
    ) -> dict[str, object] | types.InputRequiredResult:
        """Have the client open our page. What is answered there counts; what the client says of it can only be a no."""
        outbound_id = str(receipt["id"])
        nonce = await self._person.ask_client(outbound_id)
        if nonce is None:
            return receipt
        when = briefly_when(await self._person.question(outbound_id))
        text = f"Ringback asks for your approval on its own page. It is listed there as {outbound_id}. {when}"
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            url = types.ElicitRequestURLParams(message=text, url=page)
            return _input_required({"id": outbound_id, "nonce": nonce, "by": "page"}, url)
        try:
            result = await context.session.elicit_url(text, page, outbound_id, related_request_id=context.request_id)
        except (MCPError, ValidationError) as error:
            _log.info("outbound %s: the client did not open the page: %s", outbound_id, type(error).__name__)
            return _elsewhere(receipt, page)
        told = await self._after_page(context, outbound_id, nonce, result)
        if told["status"] != Status.AWAITING_APPROVAL:
            await context.session.send_elicit_complete(outbound_id, related_request_id=context.request_id)
        return told

    async def _after_page(
        self, context: Context, outbound_id: str, nonce: str, result: types.ElicitResult
    ) -> dict[str, object]:
        """Wait a while for the answer on the page. Refusing to open it is a no."""
        if result.action == "decline":
            return (await self._answer(context, outbound_id, nonce, result)).bare().as_dict()
        opened = result.action == "accept"
        receipt = await self._telephone.status(outbound_id, wait_s=_PAGE_WAIT_S if opened else 0.0)
        told = receipt.bare().as_dict()
        return _elsewhere(told, await self._page()) if receipt.status == Status.AWAITING_APPROVAL else told

    async def _answer(self, context: Context, outbound_id: str, nonce: str, result: types.ElicitResult) -> Receipt:
        content = result.content or {}
        digits = content.get("last_digits")
        answer = Answer(
            _choice(result),
            Level.A1,
            f"client:{client_name(context)}",
            digits=digits if isinstance(digits, str) else "",
            nonce=nonce,
        )
        return await self._person.answer(outbound_id, answer)

    async def _page(self) -> str | None:
        """The console's address; `None` where it cannot be started."""
        try:
            return await self._console()
        except RingbackError as error:
            _log.warning("the console could not be started: %s", error.reason)
            return None


def _elsewhere(receipt: dict[str, object], page: str | None) -> dict[str, object]:
    """The receipt with the place where the person answers: the console page, or a terminal."""
    where = f"opens {page} or runs" if page else "runs"
    goes = "at its time" if "send_at" in receipt else "then"
    following = (
        f"Tell the person that it waits for their yes: the person {where} `ringback approve {receipt['id']}` in a "
        f"terminal, within 10 minutes. It goes by itself {goes}. Do not send it again."
    )
    return {**receipt, "next": following, **({"approve_at": page} if page else {})}


def _ways(context: Context) -> tuple[bool, bool]:
    """Whether the client shows forms to a person, and whether it opens pages; a bare `elicitation: {}` means forms."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False, False
    url = elicitation.url is not None
    return elicitation.form is not None or not url, url


def _input_required(state: dict[str, str], params: types.ElicitRequestParams) -> types.InputRequiredResult:
    """The question for a client of the stateless era to carry; the SDK seals the state."""
    return types.InputRequiredResult(
        request_state=json.dumps(state), input_requests={_QUESTION: types.ElicitRequest(params=params)}
    )


def _choice(result: types.ElicitResult) -> Choice:
    """What the person chose; anything that is not a clear yes is none."""
    if result.action == "decline":
        return Choice.NO
    chosen = (result.content or {}).get("choice")
    if result.action != "accept" or not isinstance(chosen, str):
        return Choice.DISMISSED
    return {"once": Choice.ONCE, "day": Choice.DAY, "no": Choice.NO}.get(chosen, Choice.DISMISSED)


def client_name(context: Context) -> str:
    """The client's own name for itself, without digits: it is stored in plain."""
    params = context.session.client_params
    name = params.client_info.name if params is not None else ""
    return re.sub(r"[^A-Za-z ._-]", "", name)[:40] or "unnamed"
