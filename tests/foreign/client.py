"""A WebSocket client made with Python's `websockets`: one scenario per run, one line of output per step."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def tutorial(socket, name):
    await socket.send(json.dumps({"connectionId": name}, separators=(",", ":")))
    await socket.send(
        json.dumps({"connectionId": name, "message": "hello"}, separators=(",", ":"))
    )
    await socket.close(1000, "bye")


async def echo(socket, _name):
    text = ("größer 🦀 " * 4000)[:30000]
    await socket.send(text)
    say("text", await socket.recv() == text)
    data = bytes(n % 251 for n in range(65536))
    await socket.send(data)
    say("binary", await socket.recv() == data)
    # One message in four frames.
    await socket.send(["a ", "message ", "in ", "parts"])
    say("parts", await socket.recv())
    await (await socket.ping("are you there?"))
    say("pong", "are you there?")
    await socket.send(bytes(65537))
    await socket.wait_closed()


async def binary(socket, name):
    await socket.send(json.dumps({"connectionId": name}, separators=(",", ":")))
    await socket.send(bytes([0, 1, 254, 255]))
    await socket.close(4000)


async def nonsense(socket, _name):
    for n in range(16):
        await socket.send("nonsense")
        answer = json.loads(await socket.recv())
        if n == 0:
            say("refused", answer["error"]["code"])
    await socket.wait_closed()


async def stay(socket, name):
    await socket.send(json.dumps({"connectionId": name}, separators=(",", ":")))
    await socket.wait_closed()


def say(*words):
    print(*words, flush=True)


async def main(scenario, url, name=""):
    # The server pings; a client's own pings would hide it if the answers to those were wrong.
    async with connect(url, ping_interval=None, proxy=None) as socket:
        try:
            await globals()[scenario](socket, name)
        except ConnectionClosed:
            pass
        await socket.wait_closed()
        say("closed", socket.close_code, socket.close_reason)


asyncio.run(main(*sys.argv[1:]))
