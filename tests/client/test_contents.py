"""The contents of results: read, downloaded and saved, or why they cannot be."""

from __future__ import annotations

from pathlib import Path

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import EDIT
from helpers.media_inputs import edit, read, save
from helpers.raw_server import RawServer, Response

OLD, NEW = b"the old picture", b"the new picture" * 1000


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    "item", [{"url": "data:image/png;base64,bmV3"}, {"url": "data:,new"}, {"b64_json": "bmV3"}]
)
def test_content_in_the_response_is_read(
    run: ClientRunner, server: RawServer, tmp_path: Path, item: object
) -> None:
    """Base64 content and data: URLs are read and saved without a download."""
    server.responses[EDIT] = [Response(body={"images": [item]})]
    assert run(edit(), read, base_url=server.url) == b"new"
    assert run(edit(), save(tmp_path / "hat.png"), base_url=server.url).read_bytes() == b"new"


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    "item",
    [
        *({"b64_json": broken} for broken in ("@@@@", "AAA", "\N{SNOWMAN}")),
        *({"url": f"data:image/png;base64{broken}"} for broken in ("", ",@@@@", ",AAA", ",\N{SNOWMAN}")),
    ],
)
def test_invalid_content_raises_media_error(
    run: ClientRunner, server: RawServer, tmp_path: Path, item: object
) -> None:
    """Invalid base64 content or an invalid data: URL raises MediaError, and no file is left."""
    server.responses[EDIT] = [Response(body={"images": [item]})]
    for use in (read, save(tmp_path / "hat.png")):
        run.expect_error(ox.MediaError, edit(), use, base_url=server.url)
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hat.png", f"{'h' * 246}.png"], ids=["short", "long"])
def test_save_replaces_an_existing_file(
    run: ClientRunner, server: RawServer, tmp_path: Path, name: str
) -> None:
    """`save` replaces the file at the path, whose name may have the maximum length."""
    (tmp_path / name).write_bytes(OLD)
    server.serve_image_at("/file", Response(body=NEW))
    path = run(edit(), save(str(tmp_path / name)), base_url=server.url)
    assert (path, path.read_bytes()) == (tmp_path / name, NEW)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("target", ["missing/hat.png", "file/hat.png", "missing/", "file/"])
def test_save_to_invalid_path_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, target: str
) -> None:
    """A path at which no file can be created raises MediaError with the path."""
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    server.serve_image_at("/file", Response(body=NEW))
    error = run.expect_error(ox.MediaError, edit(), save(f"{tmp_path}/{target}"), base_url=server.url)
    assert f"{tmp_path}/{target}" in str(error)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    "response",
    [
        *(Response(status) for status in (403, 404, 500, 302, 304)),
        Response(302, headers={"Location": "/file"}),
        Response(302, headers={"Location": "http://[::1"}),
        Response(body=NEW, delivery="cut"),
    ],
    ids="403 404 500 no-location 304 loop invalid-location cut".split(),
)
def test_failed_download_raises_media_error(
    run: ClientRunner, server: RawServer, tmp_path: Path, response: Response
) -> None:
    """A rejected, redirected or interrupted download raises MediaError, and no file is left."""
    server.serve_image_at("/file", response)
    for use in (read, save(tmp_path / "hat.png")):
        run.expect_error(ox.MediaError, edit(), use, base_url=server.url, max_retries=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.async_values
@pytest.mark.parametrize("url", ["file", "ftp://a/b", "http://[::1", "http://127.0.0.1:99999", "http://a:b"])
def test_invalid_result_url_raises_media_error(run: ClientRunner, server: RawServer, url: str) -> None:
    """A result whose URL cannot be requested raises MediaError when it is read."""
    server.serve_image_at(url)
    run.expect_error(ox.MediaError, edit(), read, base_url=server.url)
