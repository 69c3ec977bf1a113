"""`status`: what became of an outbound, with progress while a wait lasts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ringback_server.tools.base import McpTool, spec_named, told

if TYPE_CHECKING:
    from ringback_server.tools.base import Call, Result

_TICK_S = 2.0


async def _status(call: Call) -> Result:
    given = call.arguments().model_dump()
    if not given["wait"]:
        return told(await call.spec.run(call.telephone, call.arguments()))
    ticking = asyncio.create_task(_tick(call, float(given["wait"])))
    try:
        return told(await call.spec.run(call.telephone, call.arguments()))
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])


async def _tick(call: Call, wait_s: float) -> None:
    """Tell a client that asked for progress that the wait goes on, so that it does not give up."""
    passed = 0.0
    while passed < wait_s:
        await call.context.session.report_progress(passed, wait_s, "waiting for news")
        await asyncio.sleep(_TICK_S)
        passed += _TICK_S


TOOL = McpTool(spec_named("status"), _status)
