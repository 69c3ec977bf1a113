"""The three tools that make a phone ring: propose, ask the person where the client can, tell what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.model.status import Status
from ringback_server.tools.base import told

if TYPE_CHECKING:
    from ringback_server.tools.base import Call, Result


async def with_consent(call: Call) -> Result:
    """Propose the outbound; while it waits for a person, let the client ask them.

    A client of the stateless protocol comes back with the same call and the person's answer: then nothing is proposed
    anew, the answer is stored for the question that was asked.
    """
    given = call.arguments()
    if call.params.request_state is not None:
        return told(await call.asking.answered(call.context, call.params))
    from ringback.telephone import asked_by
    from ringback_server.asking import client_name

    asked_by.set(f"{client_name(call.context)} over MCP")
    receipt = await call.spec.run(call.telephone, given)
    if receipt["status"] != Status.AWAITING_APPROVAL:
        return told(receipt)
    asked = await call.asking.ask(call.context, receipt)
    return told(asked) if isinstance(asked, dict) else asked
