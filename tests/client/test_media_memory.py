"""The memory that sending and receiving large files needs."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.client_runner import ClientRunner
from helpers.large_media import FORMS, IMAGES, build, create_png, to_json
from helpers.scenario import Steps, scenario


class RecordingTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Records the chunks in which a body is sent, and responds with an image of some size."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.lengths: list[int] = []
        self.digest = sha256()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        for chunk in request.stream:
            self.record(chunk)
        return self.respond(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            self.record(chunk)
        return self.respond(request)

    def record(self, chunk: bytes) -> None:
        self.lengths.append(len(chunk))
        self.digest.update(chunk)

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json=IMAGES.body)
        headers = {"content-length": str(self.size)}
        return httpx.Response(200, headers=headers, stream=ZeroStream(self.size))


class ZeroStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of zeros."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        return (bytes(2**16) for _ in range(0, self.size, 2**16))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


SIZE = 2**23


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("form", ["path", "bytes", "uri"])
def test_body_is_sent_in_small_chunks(run: ClientRunner, tmp_path: Path, form: str) -> None:
    """No chunk is large, so that an event loop runs between them."""
    content, path = create_png(1_500_001), tmp_path / "x.png"
    path.write_bytes(content)
    transport = RecordingTransport()
    request = build(FORMS[form](content, path))
    run(lambda oxen: oxen.run(request), http_client=run.make_http_client(transport=transport))
    assert max(transport.lengths) < 2**19
    assert transport.digest.digest() == sha256(to_json(request.body())).digest()


def measure_peak(function: Callable[[], object]) -> int:
    """Return the most memory in bytes that was allocated at one time by a function."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("form", ["path", "text", "bytes", "uri"])
def test_large_media_are_not_copied(run: ClientRunner, tmp_path: Path, form: str) -> None:
    """Sending needs little memory beside what the caller has."""
    content, path = create_png(SIZE), tmp_path / "x.png"
    path.write_bytes(content)
    image = FORMS[form](content, path)

    def send() -> None:
        http = run.make_http_client(transport=RecordingTransport())
        run(
            lambda oxen: oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[image]),
            http_client=http,
        )

    send()  # imports what a call needs
    assert measure_peak(send) < SIZE / 4


@pytest.mark.slow
@pytest.mark.parametrize(("use", "peak"), [("read", 1.2), ("save", 0.5)])
def test_large_result_is_in_memory_once(run: ClientRunner, tmp_path: Path, use: str, peak: float) -> None:
    """`read` needs the size of the file in memory, and `save` little."""

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.run(build("https://example.com/dog.png"))
        yield result.images[0].read() if use == "read" else result.images[0].save(tmp_path / "made")

    def download() -> None:
        run(steps, http_client=run.make_http_client(transport=RecordingTransport(SIZE)))

    download()
    assert measure_peak(download) < SIZE * peak
