"""A client made with Python's `websockets` that does what it is told on standard input, and says what it hears.

Started with a URL, and perhaps an object of header fields in JSON.
Told: text WORDS | binary BASE64 | ping WORDS | close CODE REASON.
Says: open | refused STATUS CODE | text WORDS | binary BASE64 | pong WORDS | closed CODE REASON.
"""

import asyncio
import base64
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


def say(*words):
    print(" ".join(map(str, words)).rstrip(), flush=True)


async def obey(socket, commands):
    while line := (await commands.readline()).decode().rstrip("\n"):
        command, _, words = line.partition(" ")
        if command == "text":
            await socket.send(words)
        elif command == "binary":
            await socket.send(base64.b64decode(words))
        elif command == "ping":
            await (await socket.ping(words))
            say("pong", words)
        elif command == "close":
            code, _, reason = words.partition(" ")
            await socket.close(int(code), reason)


async def hear(socket):
    try:
        while True:
            message = await socket.recv()
            if isinstance(message, str):
                say("text", message)
            else:
                say("binary", base64.b64encode(message).decode())
    except ConnectionClosed:
        await socket.wait_closed()
        say("closed", socket.close_code, socket.close_reason)


async def main(url, headers="{}"):
    commands = asyncio.StreamReader(limit=2**24)
    protocol = asyncio.StreamReaderProtocol(commands)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    try:
        async with connect(url, additional_headers=json.loads(headers), ping_interval=None, proxy=None) as socket:
            say("open")
            obeying = asyncio.create_task(obey(socket, commands))
            await hear(socket)
            obeying.cancel()
    except InvalidStatus as refusal:
        # Before the upgrade: an answer of HTTP, with a problem document.
        say("refused", refusal.response.status_code, json.loads(refusal.response.body)["code"])


asyncio.run(main(*sys.argv[1:]))
