"""Where results are saved: existing files, links, devices, pipes, folders and open files."""

from __future__ import annotations

import base64
import io
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT, QUEUE
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
OLD = b"the old file"


def respond_with(server: RawServer, *contents: bytes) -> None:
    """Respond to an image edit with files of some contents."""
    items = [{"b64_json": base64.b64encode(content).decode()} for content in contents]
    server.responses[EDIT] = [Response(body={"images": items})]


def edit(oxen: Any) -> Any:
    """Call a model."""
    return oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])


def save(*args: Any, **options: Any) -> Callable[[Any], Any]:
    """Return a step that saves the image of a result."""
    return lambda result: result.image.save(*args, **options)


def list_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder and its folders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.async_values
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o400])
def test_save_keeps_the_mode(run: ClientRunner, server: RawServer, tmp_path: Path, mode: int) -> None:
    """The mode of an existing file is that of the new one."""
    respond_with(server, PNG)
    target = tmp_path / "hat.png"
    target.write_bytes(OLD)
    target.chmod(mode)
    run(edit, save(target), base_url=server.url)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (PNG, mode)


@pytest.mark.parametrize("exists", [True, False])
def test_save_follows_links(run: ClientRunner, server: RawServer, tmp_path: Path, exists: bool) -> None:
    """A link at the path stays, and the file that it refers to is written."""
    respond_with(server, PNG)
    (tmp_path / "real").mkdir()
    if exists:
        (tmp_path / "real" / "hat.png").write_bytes(OLD)
    (tmp_path / "second").symlink_to(Path("real", "hat.png"))
    (tmp_path / "first").symlink_to("second")
    path = run(edit, save(tmp_path / "first"), base_url=server.url)
    assert (path, path.is_symlink(), (tmp_path / "second").is_symlink()) == (tmp_path / "first", True, True)
    assert (tmp_path / "real" / "hat.png").read_bytes() == PNG
    assert list_names(tmp_path) == ["first", "real", "real/hat.png", "second"]


def test_save_to_a_looping_link_raises(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """A link to itself is an error, and is not replaced."""
    respond_with(server, PNG)
    (tmp_path / "loop").symlink_to("loop")
    run.expect_error(ox.MediaError, edit, save(tmp_path / "loop"), base_url=server.url)
    assert (list_names(tmp_path), (tmp_path / "loop").is_symlink()) == (["loop"], True)


@pytest.mark.slow
def test_save_writes_into_a_fifo(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """The content is written into a named pipe, which is not replaced."""
    content = PNG + os.urandom(300_000)  # more than a pipe holds
    respond_with(server, content)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert run(edit, save(fifo), base_url=server.url) == fifo
    assert stat.S_ISFIFO(fifo.stat().st_mode)  # else the reader waits forever
    reader.join()
    assert (received, list_names(tmp_path)) == ([content], ["pipe"])


@pytest.mark.parametrize("is_link", [True, False])
def test_save_does_not_replace_a_device(
    run: ClientRunner, server: RawServer, tmp_path: Path, is_link: bool
) -> None:
    """The content is written into a device, such as /dev/null."""
    device = tmp_path / "null"
    try:
        os.mknod(
            device, stat.S_IFCHR | 0o666, os.makedev(1, 3)
        )  # not /dev/null, which a failure would destroy
    except PermissionError:
        pytest.skip("only root can create a device")
    respond_with(server, PNG)
    path = tmp_path / "link" if is_link else device
    if is_link:
        path.symlink_to(device)
    with suppress(ox.MediaError):  # devices are disabled in some containers
        run(edit, save(path), base_url=server.url)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert path.is_symlink() == is_link


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fifo", "file", "folder", "open"])
def test_incomplete_result_writes_nothing(
    run: ClientRunner, server: RawServer, tmp_path: Path, kind: str
) -> None:
    """Neither a file nor a pipe, a folder or an open file receives a part of an incomplete result."""
    server.serve_image_at("/made", Response(body=PNG * 100_000, delivery="half"))
    target = tmp_path / "hat.png"
    match kind:
        case "fifo":
            os.mkfifo(target)
        case "file":
            target.write_bytes(OLD)
        case "folder":
            target.mkdir()
        case _:
            pass
    opened = io.BytesIO()
    error = run.expect_error(
        ox.MediaError, edit, save(opened if kind == "open" else target), base_url=server.url
    )
    assert "could not be downloaded" in str(error)
    assert opened.getvalue() == b""
    assert list_names(tmp_path) == ([] if kind == "open" else ["hat.png"])
    if kind == "file":
        assert target.read_bytes() == OLD


@pytest.mark.slow
@pytest.mark.parametrize("target", ["a/b/hat.png", "a/b/"])
def test_save_creates_parents_on_request(
    run: ClientRunner, server: RawServer, tmp_path: Path, target: str
) -> None:
    """Missing folders are created with `parents=True` only, which the error names."""
    respond_with(server, PNG)
    error = run.expect_error(ox.MediaError, edit, save(f"{tmp_path}/{target}"), base_url=server.url)
    assert str(error).endswith("could not be written: No such directory; parents=True creates it")
    assert list_names(tmp_path) == []
    path = run(edit, save(f"{tmp_path}/{target}", parents=True), base_url=server.url)
    assert (path.parent, path.read_bytes()) == (tmp_path / "a" / "b", PNG)


@pytest.mark.async_values
@pytest.mark.parametrize("content", [(PNG, ".png"), (JPEG, ".jpg"), (b"\x00unknown", ".bin")])
def test_save_to_a_folder_chooses_a_name(
    run: ClientRunner, server: RawServer, tmp_path: Path, content: tuple[bytes, str]
) -> None:
    """In a folder, the name is that of the content if there is no job, with the suffix of its type."""
    data, suffix = content
    respond_with(server, data)
    path = run(edit, save(str(tmp_path)), base_url=server.url)
    assert path == tmp_path / f"{sha256(data).hexdigest()[:16]}{suffix}"
    assert (path.read_bytes(), list_names(tmp_path)) == (data, [path.name])


IDS = {
    "a-1_B": "a-1_B",
    "../../etc/passwd": "_etc_passwd",
    "/etc/passwd": "_etc_passwd",
    "a\\..\\b": "a_b",
    "..": "_",
    "C:x\0y": "C_x_y",
    "x" * 300: "x" * 100,
}


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize("id", IDS, ids=range(len(IDS)))
def test_id_of_a_job_is_a_safe_name(run: ClientRunner, server: RawServer, tmp_path: Path, id: str) -> None:
    """Files in a folder are named after the job, and no id leaves the folder."""
    items = [{"b64_json": base64.b64encode(content).decode()} for content in (PNG, JPEG)]
    record = {"generation_id": "known", "status": "succeeded", "images": items}
    server.responses[f"{QUEUE}/known"] = [Response(body=record)]
    folder = tmp_path / "a" / "b"

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.job("known").result()
        for image in result:
            object.__setattr__(image, "generation_id", id)
        paths = yield result.save_all(folder)
        first = yield result[0].save(folder)
        second = yield result[1].save(folder)
        return [*paths, first, second]

    paths = run(steps, base_url=server.url)
    name = IDS[id]
    names = [f"0_{name}.png", f"1_{name}.jpg", f"{name}.png", f"{name}_1.jpg"]
    assert paths == [folder / name for name in names]
    assert list_names(tmp_path) == sorted(["a", "a/b", *(f"a/b/{name}" for name in names)])


def test_save_all_writes_a_pattern(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """The names have the position, the digest of a result without a job, and the suffix without its dot."""
    respond_with(server, PNG, JPEG)

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield edit(oxen)
        yield result.save_all(tmp_path, "hat-{index:03}.{ext}", start=7)
        return (yield result.save_all(tmp_path, "hat-{index:03}.{ext}"))

    paths = run(steps, base_url=server.url)
    assert list_names(tmp_path) == ["hat-000.png", "hat-001.jpg", "hat-007.png", "hat-008.jpg"]
    assert paths == [tmp_path / "hat-000.png", tmp_path / "hat-001.jpg"]
    assert [path.read_bytes() for path in paths] == [PNG, JPEG]


@pytest.mark.slow
def test_save_all_into_a_file_raises(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """A folder that is a file is an error that states it."""
    respond_with(server, PNG)
    (tmp_path / "hats").touch()

    def save_all(result: Any) -> Any:
        return result.save_all(tmp_path / "hats")

    error = run.expect_error(ox.MediaError, edit, save_all, base_url=server.url)
    assert str(error) == f"'{tmp_path}/hats' could not be written: Not a directory"


PATTERNS = [
    "{name}.{ext}", "{}", "{index", "{index.real.x}", "{index[0]}", "{index:z}", "../{index}", "/tmp/{index}",
    "{index}/x", "{index}\\x", "C:{index}", "", ".", "..", "same.{ext}", "{id}.{ext}", "a\0{index}",
]  # fmt: skip


@pytest.mark.async_values
@pytest.mark.parametrize("pattern", PATTERNS)
def test_save_all_with_a_wrong_pattern_raises(
    run: ClientRunner, server: RawServer, tmp_path: Path, pattern: str
) -> None:
    """A pattern with other fields, of no file name, or of equal names raises, and nothing is written."""
    respond_with(server, PNG, JPEG)

    def save_all(result: Any) -> Any:
        return result.save_all(tmp_path / "new", pattern)

    error = run.expect_error(ox.ConfigurationError, edit, save_all, base_url=server.url)
    assert "pattern must" in str(error)
    assert list_names(tmp_path) == []


def test_save_writes_an_open_file(run: ClientRunner, server: RawServer, tmp_path: Path) -> None:
    """An open binary file receives the content at its position and stays open."""
    respond_with(server, PNG)
    with (tmp_path / "hats").open("wb") as file:
        file.write(b"before")
        assert run(edit, save(file), base_url=server.url) is None
        file.write(b"after")
    assert (tmp_path / "hats").read_bytes() == b"before" + PNG + b"after"
    assert list_names(tmp_path) == ["hats"]


class PartialWriter(io.RawIOBase):
    """A file that writes a few bytes at once."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, data: Any) -> int:
        self.content += bytes(data[:7])
        return min(len(data), 7)


def test_save_writes_a_raw_file_completely(run: ClientRunner, server: RawServer) -> None:
    """A file whose `write` writes a part of the data is written again."""
    respond_with(server, PNG)
    file = PartialWriter()
    run(edit, save(file), base_url=server.url)
    assert file.content == PNG


def close(file: Any) -> Any:
    """Return a file after closing it."""
    file.close()
    return file


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("file", "kind", "why"),
    [
        (io.StringIO(), ox.ConfigurationError, "binary mode"),
        (open(os.devnull, "rb"), ox.ConfigurationError, "open for writing in binary mode"),  # noqa: SIM115
        (3, ox.ConfigurationError, "must be a path"),
        (None, ox.ConfigurationError, "must be a path"),
        (close(io.BytesIO()), ox.MediaError, "closed file"),
    ],
)
def test_save_to_an_unusable_file_raises(
    run: ClientRunner, server: RawServer, file: Any, kind: Any, why: str
) -> None:
    """A text file, a closed file, one open for reading and any other object raise an error of the package."""
    respond_with(server, PNG)
    assert why in str(run.expect_error(kind, edit, save(file), base_url=server.url))


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("name", "value"), [("parents", "yes"), ("sidecar", "yes"), ("on_progress", 5)], ids=str
)
def test_save_rejects_an_option_of_another_type(
    run: ClientRunner, server: RawServer, tmp_path: Path, name: str, value: Any
) -> None:
    """An option whose type has no meaning is an error with its name, before the file is downloaded."""
    respond_with(server, PNG)
    error = run.expect_error(
        ox.ConfigurationError, edit, save(tmp_path / "hat.png", **{name: value}), base_url=server.url
    )
    assert str(error).startswith(f"{name} must be ")
    assert list_names(tmp_path) == []


@pytest.mark.slow
def test_save_expands_the_home_folder(
    run: ClientRunner, server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the home folder, for strings and for paths."""
    monkeypatch.setenv("HOME", str(tmp_path))
    respond_with(server, PNG)
    assert run(edit, save("~/a.png"), base_url=server.url) == tmp_path / "a.png"
    assert run(edit, save(Path("~", "b.png")), base_url=server.url) == tmp_path / "b.png"
    paths = run(edit, lambda result: result.save_all("~/c", "{index}"), base_url=server.url)
    assert paths == [tmp_path / "c" / "0"]


@pytest.mark.async_values
@pytest.mark.parametrize("name", ["hat.jpg", "hat.JPEG", "hat.mp4"])
def test_save_with_a_wrong_suffix_warns(
    run: ClientRunner, server: RawServer, tmp_path: Path, name: str
) -> None:
    """The warning names both, and its place is the caller's line."""
    respond_with(server, PNG)
    lines: list[int] = []

    async def save_async(result: Any) -> None:
        lines.append(save_async.__code__.co_firstlineno + 2)
        await result.image.save(tmp_path / name)

    def save_sync(result: Any) -> None:
        lines.append(save_sync.__code__.co_firstlineno + 2)
        result.image.save(tmp_path / name)

    with pytest.warns(ox.MediaTypeWarning, match=f"{name}' contains image/png") as caught:
        run(edit, save_async if run.asynchronous else save_sync, base_url=server.url)
    [warning] = caught
    assert [warning.filename, [warning.lineno]] == [__file__, lines]
    assert (tmp_path / name).read_bytes() == PNG


@pytest.mark.async_values
@pytest.mark.parametrize("name", ["hat.png", "hat.PNG", "hat", "hat.part", "png"])
def test_save_with_a_right_suffix_is_silent(
    run: ClientRunner, server: RawServer, tmp_path: Path, name: str
) -> None:
    """The suffix of the type, one without a meaning and none emit no warning."""
    respond_with(server, PNG)
    run(edit, save(tmp_path / name), base_url=server.url)  # pytest raises each warning as an error


def test_result_is_a_sequence_of_its_files(run: ClientRunner, server: RawServer) -> None:
    """A result has a length, positions and an iterator; `image` is the only one, and raises otherwise."""
    respond_with(server, PNG, JPEG)
    result = run(edit, base_url=server.url)
    assert (len(result), result[0], result[-1], tuple(result)) == (2, *result.images, result.images)
    with pytest.raises(IndexError):
        result[2]
    with pytest.raises(ValueError, match="2 files"):
        _ = result.image
    respond_with(server, PNG)
    result = run(edit, base_url=server.url)
    assert result.image is result[0]


TYPES: list[tuple[dict[str, str], str, str]] = [
    ({"b64_json": base64.b64encode(JPEG).decode()}, "image/jpeg", ".jpg"),
    ({"b64_json": "@@@@"}, "application/octet-stream", ".bin"),
    ({"url": f"data:image/png;base64,{base64.b64encode(JPEG).decode()}"}, "image/jpeg", ".jpg"),
    ({"url": "data:audio/pcm;base64,AAAA"}, "audio/pcm", ".pcm"),
    ({"url": "https://a.example/made.webp?oxen_expires=1"}, "image/webp", ".webp"),
    ({"url": "https://a.example/a%2EPNG"}, "image/png", ".png"),
    ({"url": "https://a.example/made"}, "application/octet-stream", ".bin"),
    ({"url": "http://[::1"}, "application/octet-stream", ".bin"),
]


@pytest.mark.async_values
@pytest.mark.parametrize(("item", "mime", "suffix"), TYPES)
def test_media_type_is_known_without_a_download(
    run: ClientRunner, server: RawServer, item: dict[str, str], mime: str, suffix: str
) -> None:
    """The type is that of the content in the response, or of the name in the URL."""
    server.responses[EDIT] = [Response(body={"images": [item]})]
    image = run(edit, base_url=server.url).image
    assert (image.mime, image.suffix) == (mime, suffix)
