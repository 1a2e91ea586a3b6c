"""Files that the page sends and shows, and the history of the output folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from helpers.hub_api import wait_until
from helpers.workbench import MODEL, PNG, Page, serve_page
from oxen_models._runner.limits import MAX_FILE_SIZE
from oxen_models._workbench.history import MAX_ITEMS
from oxen_models.testing import Hub
from PIL import Image

EDIT = "qwen-image-edit-plus"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def served(shared_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with serve_page(shared_hub.url, tmp_path_factory.mktemp("workbench")) as served:
        yield served


@pytest.fixture
def page(served: Page, hub: Hub) -> Page:
    """A page with an empty output folder and a hub without faults of earlier tests."""
    for path in served.session.folder.iterdir():
        path.unlink()
    return served


def send(page: Page, name: str, content: bytes = PNG) -> dict[str, Any]:
    """Send a file and return its description."""
    response = page.client.post("/api/media", params={"name": name}, content=content)
    assert response.status_code == 201, response.text
    described: dict[str, Any] = response.json()
    return described


def draw() -> bytes:
    """Return an image that the hub can decode."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_sidecar(page: Page, name: str, **changes: Any) -> None:
    """Write a file with a sidecar into the output folder."""
    values = {
        "model": MODEL,
        "endpoint": "/images/generate",
        "body": {"prompt": "A hat"},
        "extra_body": {},
        "index": 0,
        "job_id": "1",
        "seed": None,
        "sent_at": "2026-11-26T10:00:00+00:00",
        "started_at": None,
        "completed_at": None,
        "cost": "0.01",
        "version": "1",
        "sha256": sha256(PNG).hexdigest(),
    }
    (page.session.folder / name).write_bytes(PNG)
    (page.session.folder / f"{name}.json").write_text(json.dumps({**values, **changes}))


def read_names(page: Page) -> list[str]:
    return [item["name"] for item in page.read("/api/history")["items"]]


@pytest.mark.slow
def test_sent_file_is_an_input(page: Page, hub: Hub) -> None:
    """A file of the page is a value by its path, is sent to the hub, and can be shown."""
    medium = send(page, "A dog.png")
    assert (medium["kind"], medium["media_type"]) == ("image", "image/png")
    assert medium["name"].endswith("_A_dog.png")
    assert page.read_file(medium["url"]).content == PNG
    values = {"prompt": "A hat", "input_image": [medium["path"]]}
    response = page.start(values, EDIT)
    assert response.status_code == 201, response.text
    bodies: list[Any] = [request.body for request in hub.requests if request.method == "POST"]
    assert bodies[0]["input_image"][0].startswith("data:image/png;base64,")
    list(page.watch(response.json()["run"]["id"]))


@pytest.mark.parametrize(
    "name",
    [
        "../../x.png",
        "/etc/x.png",
        "..",
        ".",
        "",
        "C:\\x.png",
        "x\0.png",
        "x" * 300,
        "\ud800",
        "-rf",
        ".png",
        "a/b",
    ],
)
def test_name_of_a_sent_file_is_a_plain_one(page: Page, name: str) -> None:
    """The name of the original selects no folder, and does not overwrite another file."""
    encoded = quote(name, safe="", errors="surrogatepass")
    first, second = (
        page.client.post(f"/api/media?name={encoded}", content=PNG).json()["path"] for _ in range(2)
    )
    assert first != second
    for path in map(Path, (first, second)):
        assert path.parent == page.session.media_folder
        assert path.read_bytes() == PNG
        assert (path.suffix, path.name.startswith(".")) == (".png", False)


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [("x.html", PNG, ".png"), ("x.png", SVG, ".svg"), ("x.exe", b"%PDF-1.7 ", ".pdf")],
)
def test_suffix_of_a_sent_file_is_that_of_its_content(
    page: Page, name: str, content: bytes, suffix: str
) -> None:
    """The type of a file does not follow from its name."""
    assert Path(send(page, name, content)["path"]).suffix == suffix


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", [b"", b"<html><script>alert(1)</script></html>", b"text", b"MZ\x90\x00\x03"]
)
def test_other_content_is_rejected(page: Page, content: bytes) -> None:
    """A file that is no media is not kept."""
    before = list(page.session.media_folder.iterdir())
    response = page.client.post("/api/media?name=x.png", content=content)
    assert (response.status_code, response.json()["error"]["kind"]) == (422, "invalid")
    assert list(page.session.media_folder.iterdir()) == before


@pytest.mark.slow
def test_large_file_is_rejected(page: Page) -> None:
    """A file may be as large as an input of the bindings; the rest of it is not written."""
    before = list(page.session.media_folder.iterdir())
    chunks = [PNG, *[bytes(2**20)] * (MAX_FILE_SIZE // 2**20)]
    response = page.client.post("/api/media?name=x.png", content=iter(chunks))
    assert (response.status_code, response.json()["error"]["kind"]) == (413, "size")
    assert "at most 20,971,520 bytes" in response.json()["error"]["message"]
    assert list(page.session.media_folder.iterdir()) == before


def test_file_is_kept_while_another_one_is_moved(page: Page) -> None:
    """A file in the folder that no longer has its name, like this link, is not an error of another one."""
    moved = page.session.media_folder / "moved"
    moved.symlink_to("missing")
    try:
        assert Path(send(page, "x.png", PNG)["path"]).read_bytes() == PNG
    finally:
        moved.unlink()


def test_interrupted_file_is_not_kept(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    """A page that is closed while it sends a file leaves no part of it, and no error."""
    before = set(page.session.media_folder.iterdir())

    def find_parts() -> set[Path]:
        return set(page.session.media_folder.iterdir()) - before

    head = (
        f"POST /api/media HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n"
        f"X-Workbench-Token: {page.session.token}\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", page.port)) as connection:
        connection.sendall(head.encode() + PNG)
        wait_until(find_parts)
    wait_until(lambda: not find_parts())
    page.read("/api/session")  # which is answered after an error would be logged
    assert caplog.records == []


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "..%2fsecret.png",
        "%2e%2e/secret.png",
        "%2e%2e%2fsecret.png",
        "..%5csecret.png",
        "..%252fsecret.png",
        "%2fetc%2fpasswd",
        "folder/inner.png",
        "folder%2finner.png",
        "folder",
        "link.png",
        "linked%2fsecret.png",
        ".hidden.png",
        "page.html",
        "page.png",
        "x.png.json",
        "pipe",
        "%00",
        "x.png%00",
        "missing.png",
        "",
        ".",
    ],
)
def test_other_file_is_not_served(page: Page, name: str) -> None:
    """Only visible media of the two folders are served: no other folder, link or type."""
    folder = page.session.folder
    secret = folder.parent / "secret.png"
    secret.write_bytes(PNG)
    inner = folder.parent / "media" / "folder"
    inner.mkdir(exist_ok=True)
    (inner / "inner.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(secret)
    (folder / "linked").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe")
    for path, content in ((".hidden.png", PNG), ("page.html", b"<html>"), ("page.png", b"<html>")):
        (folder / path).write_bytes(content)
    write_sidecar(page, "x.png")
    head = f"Host: 127.0.0.1:{page.port}\nCookie: {page.cookie}"
    response = page.send_raw(f"GET /files/{name} HTTP/1.1\n{head}")  # httpx would change the path
    assert int(response.split(b" ", 2)[1]) in (403, 404)
    assert PNG not in response


def test_file_is_served_as_what_it_is(page: Page) -> None:
    """A file has the type of its content, which a browser does not guess, and cannot run scripts."""
    (page.session.folder / "x.jpg").write_bytes(SVG)
    response = page.read_file("/files/x.jpg")
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    (page.session.folder / "x.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28))
    response = page.read_file("/files/x.wav")  # a sandbox would prevent that browsers play it
    assert (response.headers["content-type"], "sandbox" in response.headers["content-security-policy"]) == (
        "audio/wav", False
    )  # fmt: skip
    (page.session.folder / "a b#?.png").write_bytes(PNG)
    assert page.read_file(f"/files/{quote('a b#?.png')}", Range="bytes=0-3").content == PNG[:4]


@pytest.mark.slow
def test_paused_download_does_not_prevent_the_end(hub: Hub, tmp_path: Path) -> None:
    """A browser that does not read a video to its end does not keep the server."""
    with serve_page(hub.url, tmp_path) as page:
        with (page.session.folder / "x.png").open("wb") as file:
            file.write(PNG)
            file.truncate(2**26)
        with socket.create_connection(("127.0.0.1", page.port)) as connection:
            head = (
                f"GET /files/x.png HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nCookie: {page.cookie}\r\n\r\n"
            )
            connection.sendall(head.encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            page.server.should_exit = True
            page.thread.join()


@pytest.mark.slow
def test_history_has_earlier_results(page: Page) -> None:
    """Results of an earlier process are listed, the newest first, with the request that made them."""
    run = page.run({"prompt": "A hat", "seed": 3})
    write_sidecar(page, "new.png", model="a/b", cost=None, completed_at="2026-11-27T10:00:00+00:00")
    os.utime(page.session.folder / "new.png.json", (2e9, 2e9))
    new, old = page.read("/api/history")["items"]
    assert (new["name"], new["model"], new["cost"], new["created"]) == (
        "new.png", "a/b", None, "2026-11-27T10:00:00+00:00"
    )  # fmt: skip
    [file] = run["files"]
    assert old == {
        **file,
        "model": MODEL,
        "values": run["values"],
        "cost": "0.01",
        "created": old["created"],
    }
    assert page.read_file(old["url"]).status_code == 200


@pytest.mark.slow
def test_history_restores_media(page: Page, hub: Hub) -> None:
    """An earlier request has the paths of its media that are kept, and can be sent again."""
    values = {"prompt": "A hat", "input_image": [send(page, "dog.png", draw())["path"]]}
    run = page.run(values, EDIT)
    [item] = page.read("/api/history")["items"]
    assert (item["model"], item["values"]) == (EDIT, values)
    digest = sha256((page.session.folder / item["name"]).read_bytes()).hexdigest()
    body = {
        "prompt": "x",
        "input_image": [f"sha256:{digest}", f"sha256:{'0' * 64}"],
        "mask": f"sha256:{'0' * 64}",
    }
    write_sidecar(page, "later.png", body=body)
    os.utime(page.session.folder / "later.png.json", (2e9, 2e9))
    later, _ = page.read("/api/history")["items"]
    assert later["values"] == {"prompt": "x", "input_image": [str(page.session.folder / item["name"])]}
    assert page.run(later["values"], EDIT)["status"] == run["status"] == "succeeded"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"name": "a package", "version": "1"}',
        b"[" * 100_000,
    ],
)
def test_foreign_json_is_left_out(page: Page, content: bytes) -> None:
    """A file of JSON that is not a sidecar is no item, and prevents no other one."""
    write_sidecar(page, "x.png")
    (page.session.folder / "y.png").write_bytes(PNG)
    (page.session.folder / "y.png.json").write_bytes(content)
    (page.session.folder / "package.json").write_bytes(content)
    assert read_names(page) == ["x.png"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": 1},
        {"model": None},
        {"body": []},
        {"body": {"seed": float("nan")}},
        {"body": {"prompt": "\ud800"}},
        {"extra_body": "x"},
        {"sent_at": 1},
        {"sent_at": {}},
        {"completed_at": "yesterday"},
        {"cost": []},
        {"cost": "NaN"},
        {"other": 1},
        {"sha256": None},
    ],
)
def test_broken_sidecar_prevents_no_other(page: Page, changes: dict[str, Any]) -> None:
    """The history has the types that the page expects, whatever a sidecar contains."""
    write_sidecar(page, "x.png")
    write_sidecar(page, "y.png", **changes)
    items = page.read("/api/history")["items"]
    assert "x.png" in [item["name"] for item in items]
    for item in items:
        assert (type(item["model"]), type(item["values"])) == (str, dict)
        assert {type(item["cost"]), type(item["created"])} <= {str, type(None)}


def test_sidecar_without_a_visible_file_is_left_out(page: Page, tmp_path: Path) -> None:
    """A file that was deleted or is a link is not listed."""
    for name in ("gone.png", "link.png", ".hidden.png"):
        write_sidecar(page, name)
    (page.session.folder / "gone.png").unlink()
    (page.session.folder / "link.png").unlink()
    (page.session.folder / "link.png").symlink_to(tmp_path / "x.png")
    (page.session.folder / "linked.json").symlink_to(page.session.folder / "gone.png.json")
    (page.session.folder / "linked").write_bytes(PNG)
    assert read_names(page) == []


def test_large_sidecar_is_left_out(page: Page) -> None:
    """The memory of a request for the history is limited."""
    write_sidecar(page, "x.png", body={"prompt": "x" * 2**20})
    assert read_names(page) == []


@pytest.mark.slow
def test_history_is_limited(page: Page) -> None:
    """Only the last results are read."""
    for index in range(MAX_ITEMS + 2):
        write_sidecar(page, f"{index}.png")
        os.utime(page.session.folder / f"{index}.png.json", (index, index))
    names = read_names(page)
    assert (len(names), names[0], names[-1]) == (MAX_ITEMS, f"{MAX_ITEMS + 1}.png", "2.png")


@pytest.mark.slow
def test_missing_output_folder_has_no_history(page: Page) -> None:
    """A folder that was removed is created again by the next run."""
    page.session.folder.rmdir()
    assert read_names(page) == []
    assert page.run({"prompt": "x"})["status"] == "succeeded"
