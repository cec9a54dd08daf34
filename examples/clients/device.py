"""A WebSocket client: says each line of its input, shows what comes back, and comes again when it is cut off.

    pip install websockets
    python3 device.py [NAME [URL]]          # else a name of its own, and ws://localhost:8080/
"""

import asyncio
import json
import os
import sys
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

NAME = sys.argv[1] if len(sys.argv) > 1 else f"device-{os.getpid()}"
URL = sys.argv[2] if len(sys.argv) > 2 else "ws://localhost:8080/"
TOKEN = os.environ.get("TIDEGATE_TOKEN")  # where keys are configured
HEADERS = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}


async def listen(socket):
    async for message in socket:
        print("received", message, flush=True)


async def speak(socket, lines):
    with suppress(ConnectionClosed):
        while (line := await lines.get()) is not None:
            await socket.send(json.dumps({"connectionId": NAME, "message": line}))
        await socket.close(1000)


async def read(lines):
    """Puts each line into the queue; None is the end."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        await lines.put(line.rstrip("\n"))
    await lines.put(None)


async def main():
    lines = asyncio.Queue()
    reading = asyncio.create_task(read(lines))
    # Connects again and again, after growing pauses.
    async for socket in connect(URL, additional_headers=HEADERS):
        print("connected as", NAME, flush=True)
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"connectionId": NAME}))  # registers; now it can be sent to
        speaking = asyncio.create_task(speak(socket, lines))
        with suppress(ConnectionClosed):
            await listen(socket)
        speaking.cancel()
        print("closed", socket.close_code, socket.close_reason, flush=True)
        # 4409: another one has our name. Who came back then would throw it out, and it us, for ever.
        if reading.done() and lines.empty() or socket.close_code == 4409:
            os._exit(0 if reading.done() else 1)  # a thread may still wait for input


asyncio.run(main())
