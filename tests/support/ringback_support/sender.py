"""`python -m ringback_support.sender CHANNEL TO TEXT`: send to an allowed recipient, in a process to be killed."""

from __future__ import annotations

import asyncio
import sys

from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback_support.installation import want


async def main() -> None:
    """Send, and tell the receipt's status."""
    channel, to, text = sys.argv[1:]
    async with open_ringback() as ringback:
        receipt = await want(ringback.telephone, Channel(channel), to, text)
        print(receipt.status, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
