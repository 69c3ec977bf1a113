"""A carrier that answers at once, so that the senders are measured: ThinkFleetBot's check and sends.

What it takes is delivered at once, so that look-ups of earlier sends do not fall into the measurement of later ones.

Prints its URL on the first line of standard output and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

LINE = {"enabled": True, "phone_number": "+15550109999", "capabilities": ["sms", "mms", "voice"]}
_ids = itertools.count(1)


class Carrier(asyncio.Protocol):
    """Just enough HTTP/1.1: keep-alive, one request after another, bodies by length."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            start, *fields = head.split(b"\r\n")
            lengths = [int(field[15:]) for field in fields if field.lower().startswith(b"content-length:")]
            size = lengths[0] if lengths else 0
            if len(rest) < size:
                return
            body, self._buffer = rest[:size], rest[size:]
            self._transport.write(answer(start.split(b" ")[0], body))


def answer(method: bytes, body: bytes) -> bytes:
    if method == b"GET":
        status, content = b"200 OK", LINE
    else:
        wish = json.loads(body)
        number = next(_ids)
        content = {"id": f"msg_{number}", "type": "sms", "to": wish["to"], "status": "delivered", "created_at": "now"}
        status = b"201 Created"
    text = json.dumps(content).encode()
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(text), text)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Carrier, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
