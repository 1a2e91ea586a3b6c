"""A queue whose jobs succeed at once, as fast as a server in Python can be. It prints its address."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from itertools import count

_NUMBERS = count()
_NOTHING: dict[str, object] = {"count": 0, "generations": []}
_STREAMS: set[asyncio.StreamWriter] = set()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            method, path, *_ = head.decode("latin-1").split(" ")
            length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
            while length > 0:
                length -= len(await reader.read(min(length, 2**16)))
            if path == "/api/events":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
                _STREAMS.add(writer)
                await reader.read()  # until the client closes the stream
                return
            if method == "POST":
                body = _accept()
            elif path.startswith("/api/ai/queue/"):
                body = _record(path.rpartition("/")[2])
            else:
                body = _NOTHING
            content = json.dumps(body).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content))
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        _STREAMS.discard(writer)
        writer.close()


def _accept() -> dict[str, object]:
    id = f"job-{next(_NUMBERS)}"
    event = f"event: media_generation_completed\ndata: {json.dumps(_record(id))}\n\n".encode()
    for stream in _STREAMS:
        stream.write(event)
    return {"generations": [{"generation_id": id, "status": "queued"}]}


def _record(id: str) -> dict[str, object]:
    url = f"https://storage/{id}.png"
    return {"generation_id": id, "status": "succeeded", "media_type": "image", "url": url, "result_url": url}


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the process that started this one ends
    server.close()


if __name__ == "__main__":
    asyncio.run(_main())
