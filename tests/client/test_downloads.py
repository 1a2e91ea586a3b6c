"""Downloads that are interrupted, slow, compressed or too large, over real connections."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, QUEUE
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario

CONTENT = bytes(range(256)) * 2000
HALF = len(CONTENT) // 2
ETAG = {"ETag": '"version-1"'}
USES = ["read", "save"]


def rest(start: int = HALF, total: int = len(CONTENT)) -> Response:
    """Return the response with the rest of the file."""
    content_range = f"bytes {start}-{len(CONTENT) - 1}/{total}"
    return Response(206, CONTENT[start:], {**ETAG, "Content-Range": content_range})


def use_image(run: ClientRunner, folder: Path, use: str, server: RawServer, **options: Any) -> bytes:
    """Read or save the image of a blocking call, and return its content."""

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        if use == "read":
            return (yield result.images[0].read())
        path = yield result.images[0].save(folder / "made")
        return path.read_bytes()

    content: bytes = run(steps, base_url=server.url, **options)
    return content


def refuse_image(run: ClientRunner, folder: Path, use: str, server: RawServer, **options: Any) -> Any:
    """Return the error of reading or saving the image, after which no file remains."""

    def step(oxen: Any) -> Any:
        @scenario
        def steps(oxen: Any) -> Steps:
            result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
            image = result.images[0]
            yield image.read() if use == "read" else image.save(folder / "made")

        return steps(oxen)

    error = run.expect_error(ox.MediaError, step, base_url=server.url, **options)
    assert list(folder.iterdir()) == []
    return error


def downloads(server: RawServer) -> list[dict[str, str]]:
    """Return the headers of the downloads."""
    return [headers for _, path, headers in server.requests if path == "/made"]


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_interrupted_download_is_resumed(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str
) -> None:
    """The rest is requested with the validator of the first response, and no byte is lost or repeated."""
    server.serve_image_at("/made", Response(body=CONTENT, headers=ETAG, delivery="half"), rest())
    assert use_image(run, tmp_path, use, server) == CONTENT
    first, second = downloads(server)
    assert "range" not in first.keys() | {"if-range"} & first.keys()
    assert (second["range"], second["if-range"]) == (f"bytes={HALF}-", ETAG["ETag"])
    assert {first["accept-encoding"], second["accept-encoding"]} == {"identity"}


@pytest.mark.slow
def test_progress_continues_after_a_resume(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """`on_progress` is called with growing lengths and the total of the file, not of the rest."""
    server.serve_image_at("/made", Response(body=CONTENT, headers=ETAG, delivery="half"), rest())
    calls: list[tuple[int, int | None]] = []

    def record(written: int, total: int | None) -> None:
        calls.append((written, total))

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        yield result.images[0].save(tmp_path / "made", on_progress=record)

    run(steps, base_url=server.url)
    assert [written for written, _ in calls] == sorted(written for written, _ in calls)
    assert (calls[-1], {total for _, total in calls}) == ((len(CONTENT),) * 2, {len(CONTENT)})


@pytest.mark.slow
def test_download_with_progress_is_resumed_again(
    run: ClientRunner, server: RawServer, tmp_path: Path
) -> None:
    """`max_retries` limits the attempts without progress, not those of the whole download."""
    starts = [0, HALF, HALF + HALF // 2, HALF + HALF // 2 + HALF // 4]
    parts = [rest(start) for start in starts[1:]]
    cut = [Response(part.status, part.body, part.headers, delivery="half") for part in parts[:-1]]
    first = Response(body=CONTENT, headers=ETAG, delivery="half")
    server.serve_image_at("/made", first, *cut, parts[-1])
    assert use_image(run, tmp_path, "read", server, max_retries=1) == CONTENT
    assert len(downloads(server)) == 4


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("etag", [{}, {"ETag": 'W/"version-1"'}, {"ETag": "version-1"}])
def test_download_without_strong_etag_is_not_resumed(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str, etag: dict[str, str]
) -> None:
    """Without a strong validator the rest may be that of another file, so the incomplete file is an error."""
    server.serve_image_at("/made", Response(body=CONTENT, headers=etag, delivery="half"), rest())
    error = refuse_image(run, tmp_path, use, server)
    assert (len(downloads(server)), error.status) == (1, None)


RESUMED = [
    Response(200, CONTENT, ETAG),
    rest(start=HALF - 1),
    rest(start=HALF + 1),
    rest(total=len(CONTENT) + 1),
    Response(206, CONTENT[HALF:], ETAG),
    Response(206, CONTENT[HALF:], {**rest().headers, "Content-Encoding": "gzip"}),
    Response(416),
    Response(403),
]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("resumed", RESUMED, ids=range(len(RESUMED)))
def test_wrong_rest_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str, resumed: Response
) -> None:
    """A server without ranges, another range or another file is an error, not a corrupt file."""
    server.serve_image_at("/made", Response(body=CONTENT, headers=ETAG, delivery="half"), resumed)
    error = refuse_image(run, tmp_path, use, server)
    assert (len(downloads(server)), error.status) == (2, None)


@pytest.mark.slow
def test_expired_url_is_not_renewed_for_the_rest(
    run: ClientRunner, server: RawServer, tmp_path: Path
) -> None:
    """A new URL is not requested after bytes were received, because it may be that of another file."""
    record = {"generation_id": "g", "status": "succeeded", "images": [{"url": f"{server.url}/made"}]}
    server.responses[f"{QUEUE}/g"] = [Response(body=record)]
    server.responses["/made"] = [
        Response(body=CONTENT, headers=ETAG, delivery="half"),
        Response(403),
    ]

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.job("g").result()
        yield result.images[0].save(tmp_path / "made")

    error = run.expect_error(ox.MediaError, steps, base_url=server.url)
    assert (error.generation_id, len(downloads(server)), list(tmp_path.iterdir())) == ("g", 2, [])


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "response",
    [
        Response(206, CONTENT[HALF:], {"Content-Range": f"bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}"}),
        Response(body=b"3e8\r\nabc", headers={"Transfer-Encoding": "chunked"}),
        Response(body=CONTENT, delivery="half"),
    ],
    ids=["unrequested part", "chunked", "half"],
)
def test_incomplete_download_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str, response: Response
) -> None:
    """An incomplete file is an error."""
    server.serve_image_at("/made", response)
    assert refuse_image(run, tmp_path, use, server).status is None


ZIPPED = gzip.compress(CONTENT)
PAGE = b"<!DOCTYPE html>\n<html><body>Not found</body></html>"
GZIP = {"Content-Encoding": "gzip"}
NO_MEDIA = {
    "truncated gzip": Response(body=ZIPPED[:-1], headers=GZIP),
    "half of gzip": Response(body=ZIPPED[: len(ZIPPED) // 2], headers=GZIP),
    "truncated member": Response(body=gzip.compress(b"\x89PNG") + ZIPPED[:-1], headers=GZIP),
    "truncated deflate": Response(body=zlib.compress(CONTENT)[:-1], headers={"Content-Encoding": "deflate"}),
    "202": Response(202, {"status": "processing"}),
    "202 with media": Response(202, CONTENT),
    "204": Response(204, headers={"Content-Length": "0"}),
    "empty": Response(),
    "empty gzip": Response(body=gzip.compress(b""), headers=GZIP),
    "page": Response(body=PAGE, headers={"Content-Type": "text/html"}),
    "page as png": Response(body=PAGE, headers={"Content-Type": "image/png"}),
    "page in gzip": Response(body=gzip.compress(PAGE), headers=GZIP),
    "page in UTF-16": Response(body=PAGE.decode().encode("utf-16")),
    "page with an image": Response(body=PAGE.replace(b"Not", b"<svg></svg>")),
    "part of a page": Response(body=b"<h1>Bad gateway \xe9</h1>"),
    "xml": Response(body=b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    "json": Response(body={"error": {"title": "gone"}}),
    "text": Response(body=b"not found", headers={"Content-Type": "text/plain; charset=utf-8"}),
}


@pytest.mark.async_values
@pytest.mark.parametrize("what", NO_MEDIA)
def test_response_without_media_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, what: str
) -> None:
    """A response that is incomplete, empty or text is an error, and no file remains."""
    server.serve_image_at("/made", NO_MEDIA[what])
    refuse_image(run, tmp_path, "save", server)


SVG = b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
MEDIA = {
    "svg": Response(body=SVG, headers={"Content-Type": "image/svg+xml"}),
    "svg as text": Response(body=SVG, headers={"Content-Type": "text/xml"}),
    "media as text": Response(body=CONTENT, headers={"Content-Type": "text/html"}),
    "raw sound": Response(body=b"\x00\x01\xff\xfe" * 100),
    "several gzip members": Response(body=gzip.compress(CONTENT) + gzip.compress(b"end"), headers=GZIP),
    "padded gzip": Response(body=ZIPPED + bytes(100), headers=GZIP),
}


@pytest.mark.async_values
@pytest.mark.parametrize("what", MEDIA)
def test_unusual_media_are_read(run: ClientRunner, server: RawServer, tmp_path: Path, what: str) -> None:
    """Media of an unknown format, or with a wrong `Content-Type`, are read completely."""
    server.serve_image_at("/made", MEDIA[what])
    body = MEDIA[what].body
    assert isinstance(body, bytes)
    expected = gzip.decompress(body) if "gzip" in what else body
    assert use_image(run, tmp_path, "read", server) == expected


@pytest.mark.async_values
@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "aes128gcm", "x"])
def test_unsupported_coding_raises(run: ClientRunner, server: RawServer, tmp_path: Path, coding: str) -> None:
    """Content of a coding that was not requested is neither decoded repeatedly nor kept undecoded."""
    server.serve_image_at("/made", Response(body=gzip.compress(ZIPPED), headers={"Content-Encoding": coding}))
    for use in USES:
        assert coding in str(refuse_image(run, tmp_path, use, server))


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_identity_coding_is_accepted(
    run: ClientRunner, server: RawServer, tmp_path: Path, coding: str
) -> None:
    """The coding that is requested may be named."""
    server.serve_image_at("/made", Response(body=CONTENT, headers={"Content-Encoding": coding}))
    assert use_image(run, tmp_path, "read", server) == CONTENT


@pytest.mark.slow
def test_compressed_download_is_bounded(
    run: ClientRunner, server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small response that expands to a large file is an error."""
    limit = 2**21
    for package in ("_sync", "_async"):
        monkeypatch.setattr(f"oxen_models._runtime.{package}.downloads.MAX_DECODED_LENGTH", limit)
    server.serve_image_at("/made", Response(body=gzip.compress(bytes(limit + 1)), headers=GZIP))
    for use in USES:
        assert f"larger than {limit:,} bytes" in str(refuse_image(run, tmp_path, use, server))


@pytest.mark.parametrize(("use", "limit"), [("read", 2**30), ("save", 2**34)])
def test_too_large_download_raises_at_its_start(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str, limit: int
) -> None:
    """A file that is announced to be too large is not downloaded."""
    headers = {"Content-Length": str(limit + 1)}
    server.serve_image_at("/made", Response(body=CONTENT, headers=headers))
    assert f"larger than {limit:,} bytes" in str(refuse_image(run, tmp_path, use, server))
    assert len(downloads(server)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("delivery", ["slow", "never"])
def test_download_timeout_bounds_a_download(
    run: ClientRunner, server: RawServer, tmp_path: Path, use: str, delivery: Any
) -> None:
    """`download_timeout` limits the whole download, however often something is received."""
    server.serve_image_at("/made", Response(body=CONTENT, delivery=delivery))
    started = time.monotonic()
    error = refuse_image(run, tmp_path, use, server, download_timeout=0.5)
    assert "did not end within 0.5 seconds" in str(error)
    assert time.monotonic() - started < 8  # a slow response takes 10 seconds


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "headers": (HEAD + b"x: ", b"x"),
    "interim responses": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "chunk extensions": (CHUNKED + b"5;", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "empty blocks of gzip": (GZIPPED, b"\x00\x00\x00\xff\xff"),
    "body": (HEAD + b"\r\n", b"x"),
}


@contextmanager
def drip(start: bytes, piece: bytes) -> Generator[str]:
    """Yield the URL of a server that sends `start` and then `piece` again and again."""
    stopped = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(start)
                    while not stopped.wait(0.02):
                        connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/made"
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("what", ENDLESS)
def test_download_timeout_bounds_endless_data(
    run: ClientRunner, server: RawServer, tmp_path: Path, what: str
) -> None:
    """Data that arrive in time, but never end, do not extend a download."""
    with drip(*ENDLESS[what]) as url:
        server.serve_image_at(url)
        error = refuse_image(run, tmp_path, "save", server, download_timeout=0.5)
    assert "did not end within 0.5 seconds" in str(error)


def test_download_timeout_includes_retries(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """No retry is started that would end after the timeout."""
    server.serve_image_at("/made", Response(503, headers={"Retry-After": "30"}))
    error = refuse_image(run, tmp_path, "read", server, download_timeout=5)
    assert (error.status, len(downloads(server))) == (503, 1)


@pytest.mark.slow
def test_with_options_changes_the_download_timeout(
    run: ClientRunner, server: RawServer, tmp_path: Path
) -> None:
    """`download_timeout` is an option of `with_options`, and not limited by `timeout`."""
    server.serve_image_at("/made", Response(body=CONTENT, delivery="never"))

    @scenario
    def steps(oxen: Any) -> Steps:
        client = oxen.with_options(download_timeout=0.5)
        result = yield client.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        yield result.images[0].read()

    error = run.expect_error(ox.MediaError, steps, base_url=server.url)
    assert "0.5 seconds" in str(error)
