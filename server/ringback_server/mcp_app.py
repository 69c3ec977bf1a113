"""The MCP server: seven tools, the guidance, and news of what changes.

Built on the SDK's low-level server, because one registry of tools serves MCP and in-process frameworks alike:
docs/decisions/0002.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated

from ringback import __version__
from ringback.adapters.offered import channels_in, is_offered
from ringback.errors import RingbackError
from ringback_prompts import instructions
from ringback_server import resources
from ringback_server.sealing import InstallationCodec
from ringback_server.tools import TOOLS
from ringback_server.tools.base import Call, McpTool, failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server.context import ServerRequestContext
    from mcp.server.session import ServerSession

    from ringback.opening import Ringback
    from ringback_server.host import Host

    Context = ServerRequestContext[Any, Any]

NAME: Final = "ringback"
_MOST_SUBSCRIPTIONS: Final = 1000
_BY_NAME: Final[dict[str, McpTool]] = {tool.spec.name: tool for tool in TOOLS}
_log = logging.getLogger(__name__)


class Handlers:
    """What the server answers, over one installation."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.bus = InMemorySubscriptionBus()
        self._subscribed: dict[str, ServerSession] = {}
        self._tools: list[types.Tool] = []

    async def list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """The seven tools, less those for a channel that no carrier here moves."""
        if not self._tools:
            channels = channels_in(os.environ)
            self._tools = [tool.describe(channels) for tool in TOOLS if is_offered(tool.spec.name, channels)]
        return types.ListToolsResult(tools=self._tools)

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run one tool. Whatever goes wrong comes back as an error that the model can read, never as a success."""
        tool = _BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no such tool. There are: {', '.join(_BY_NAME)}.")
        try:
            async with self._host.using() as opened:
                return await tool.run(self._call(context, params, tool, opened))
        except RingbackError as error:
            _log.info("%s: %s", params.name, error.reason)
            return failed(error)
        except MCPError:
            raise
        except Exception as error:  # noqa: BLE001 - its text may hold a number, so only its type is told
            _log.error("%s broke: %s", params.name, type(error).__name__)
            broken = RingbackError(
                f"Something broke inside Ringback ({type(error).__name__}).",
                hint="Look at history or status before you try again: it may have gone out.",
            )
            return failed(broken)

    def _call(self, context: Context, params: types.CallToolRequestParams, tool: McpTool, opened: Ringback) -> Call:
        from ringback_server.asking import Asking

        asking = Asking(opened.person, opened.telephone, self._host.console)
        return Call(context, params, tool.spec, opened.telephone, asking)

    async def list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """The pages of guidance."""
        return resources.list_resources()

    async def list_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The receipt of one outbound."""
        return resources.list_templates()

    async def read_resource(self, _: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """One page or one receipt."""
        return await resources.read_resource(str(params.uri), self._host.using)

    async def list_prompts(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        """The prompts that a person picks."""
        return resources.list_prompts()

    async def get_prompt(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """One prompt, filled in."""
        return resources.get_prompt(params.name, params.arguments or {})

    async def subscribe(self, context: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        """Follow one outbound, for clients of the handshake era."""
        self._subscribed[str(params.uri)] = context.session
        if len(self._subscribed) > _MOST_SUBSCRIPTIONS:
            del self._subscribed[next(iter(self._subscribed))]
        return types.EmptyResult()

    async def unsubscribe(self, _: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        """Follow it no longer."""
        self._subscribed.pop(str(params.uri), None)
        return types.EmptyResult()

    async def publish(self, outbound_id: str) -> None:
        """Tell every subscriber that an outbound has changed, in both eras' ways."""
        uri = f"{resources.OUTBOUND}{outbound_id}"
        await self.bus.publish(ResourceUpdated(uri=uri))
        session = self._subscribed.get(uri)
        if session is not None:
            await session.send_resource_updated(uri)


class HostCodec:
    """Seals what a client carries, with the key of the installation as it was last opened: a rotated one counts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._openings = 0
        self._codec = InstallationCodec()

    def seal(self, payload: bytes) -> str:
        """Return an opaque token."""
        return self._current().seal(payload)

    def unseal(self, token: str) -> bytes:
        """Reverse `seal`.

        Raises:
            InvalidRequestState: the token is none of this installation's, or the key cannot be read.
        """
        return self._current().unseal(token)

    def _current(self) -> InstallationCodec:
        if self._openings != self._host.openings:
            self._openings, self._codec = self._host.openings, InstallationCodec()
        return self._codec


def build_server(host: Host) -> Server[None]:
    """The server over one installation, ready for a transport."""
    handlers = Handlers(host)

    @asynccontextmanager
    async def lifespan(_: Server[None]) -> AsyncIterator[None]:
        tending = asyncio.create_task(host.tend(handlers.publish))
        try:
            yield
        finally:
            tending.cancel()
            await asyncio.wait([tending])
            await host.aclose()

    server: Server[None] = Server(
        NAME,
        version=__version__,
        title="Ringback",
        instructions=instructions(),
        lifespan=lifespan,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscribe_resource=handlers.subscribe,
        on_unsubscribe_resource=handlers.unsubscribe,
        on_subscriptions_listen=ListenHandler(handlers.bus),
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )
    server.middleware.append(RequestStateBoundary(RequestStateSecurity(codec=HostCodec(host)), default_audience=NAME))
    return server
