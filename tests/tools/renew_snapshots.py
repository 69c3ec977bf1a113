"""Writes the schema snapshots anew from what a client is shown: `python tests/tools/renew_snapshots.py`.

Look at the difference before you commit it. What changes here changes for every client and every stored prompt.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mcp import Client

from ringback_server.host import Host
from ringback_server.mcp_app import build_server

FOLDER = Path(__file__).parent / "snapshots"


async def main() -> None:
    """Write one file per tool, and take away those of tools that are gone."""
    async with Client(build_server(Host())) as client:
        tools = (await client.list_tools()).tools
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for tool in tools:
        shown = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        text = json.dumps(shown, indent=2, ensure_ascii=False)
        (FOLDER / f"{tool.name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
