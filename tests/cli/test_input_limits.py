"""The files and URLs that the runner rejects as inputs. Nothing is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from oxen_models import InvalidRequestError, Oxen
from oxen_models._runner.limits import MAX_FILE_SIZE, Limits
from oxen_models._runner.models import RunnableModel
from oxen_models._runner.runner import Runner

from .conftest import expect_problems

EDITOR = "qwen-image-edit-plus"
URL = "https://example.com/dog.png"


@pytest.fixture
def oxen() -> Iterator[Oxen]:
    with Oxen("any") as client:
        yield client


def test_files_outside_the_folders_are_not_read(oxen: Oxen, tmp_path: Path) -> None:
    """Paths are compared without symbolic links; URLs and data: URIs are no files."""
    allowed, secret = tmp_path / "allowed", tmp_path / "secret.png"
    allowed.mkdir()
    secret.write_bytes(b"\x89PNG\r\n\x1a\n")
    (allowed / "link.png").symlink_to(secret)
    (allowed / "dog.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    limits = Limits(input_folders=(allowed,))
    for path in (
        secret,
        allowed / ".." / "secret.png",
        allowed / "link.png",
        "/etc/passwd",
        "a\0b",
        "~no-such-user/x",
        "~a\0b",
        "~\ud800",
    ):
        [problem] = expect_problems(oxen, EDITOR, {"prompt": "Hat", "input_image": [URL, str(path)]}, limits)
        assert problem.startswith("input_image[1]=")
        assert f"must be a URL or a file below '{allowed}'" in problem
    [problem] = expect_problems(
        oxen, EDITOR, {"prompt": "Hat", "input_image": ["a.png"]}, Limits(input_folders=())
    )
    assert problem.endswith("must be a URL; no folder of files is allowed")
    with pytest.raises(InvalidRequestError, match="the file cannot be read"):
        Runner(oxen).plan(EDITOR, {"prompt": "Hat", "input_image": ["~a\0b"]})
    plan = Runner(oxen, limits).plan(
        EDITOR, {"prompt": "/etc/passwd", "input_image": [URL, "data:image/png;base64,iVBORw0KGgo=",
                                                           str(allowed / "dog.png")]}
    )  # fmt: skip
    assert plan.request.body()["input_image"][2].startswith("data:image/png")


@pytest.mark.parametrize("is_limited", [True, False])
def test_large_file_is_rejected(oxen: Oxen, tmp_path: Path, is_limited: bool) -> None:
    """A file that the client does not send is rejected before a cost is confirmed, with advice for users."""
    path = tmp_path / "dog.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(MAX_FILE_SIZE + 1)
    limits = Limits(input_folders=(tmp_path,) if is_limited else None)
    values = {"prompt": "Hat", "input_image": [URL, str(path)]}
    [problem] = expect_problems(oxen, EDITOR, values, limits)
    expected = "must have at most 20,971,520 bytes; pass the URL of a larger file"
    assert problem == f"input_image[1]={str(path)!r}: {expected}"
    os.truncate(path, MAX_FILE_SIZE)
    Runner(oxen, limits).plan(EDITOR, values)


def test_files_in_objects_are_not_read(tmp_path: Path) -> None:
    """Files are checked in named properties, in others, and in lists of objects."""
    image = {"type": "string", "format": "uri", "renderType": "image-url"}
    others = {"type": "object", "additionalProperties": image}
    named = {"type": "object", "properties": {"url": image, "text": {"type": "string"}}}
    listed = {"type": "array", "items": named}
    schema = {"type": "object", "properties": {"others": others, "named": named, "listed": listed}}
    model = RunnableModel("any", schema, ("image",), {}, is_recorded=False)
    limits = Limits(input_folders=(tmp_path,))
    secret = {"url": "/etc/passwd", "text": "/etc/passwd"}
    for name, value in (("others", {"x": "/etc/passwd"}), ("named", secret), ("listed", [secret])):
        with pytest.raises(InvalidRequestError) as caught:
            limits.check_inputs(model, {name: value})
        assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a.png", "http://LOCALHOST./a", "https://127.0.0.1:8000/a", "http://10.1.2.3/a",
        "http://169.254.169.254/latest", "http://[::1]/a", "http://[::ffff:10.0.0.1]/a", "http://2130706433/",
        "http://0x7f.1/", "http://127.1/", "http://0/", "http://printer.local/a", "http://intranet/a",
        "http://x.internal/a", "http://100.64.0.1/", "http://user@10.0.0.1/", "http://[fe80::1%25eth0]/",
        "http://localhost.localdomain/", "http://[64:ff9b::a00:1]/a", "http://[2002:a00:1::]/a",
        "http://[64:ff9b:1::a00:1]/a", "http://[::10.0.0.1]/a", "http://[::ffff:0:10.0.0.1]/a",
        "http://[fec0::1]/", "http://[ff02::1]/", "http://224.0.0.1/", "http://[2001:0:a00:1::]/",
        " http://10.0.0.1/", "http://[bad", "http://10.0.0.1\\@example.com/",
    ],
)  # fmt: skip
def test_url_of_a_private_network_is_rejected(oxen: Oxen, url: str) -> None:
    """Addresses and names of private networks are rejected in every notation if URLs must be public."""
    limits = Limits(public_urls=True)
    [problem] = expect_problems(oxen, EDITOR, {"prompt": "Hat", "input_image": [url]}, limits)
    assert problem.endswith("must not be the URL of a private network")


@pytest.mark.parametrize("host", ["\uff110.0.0.1", "local\xadhost", "10\u30020\u30020\u30021"])
def test_url_with_another_host_is_rejected(oxen: Oxen, host: str) -> None:
    """A host that is not in ASCII is rejected, because clients may map it to that of a private network."""
    values = {"prompt": "Hat", "input_image": [f"http://{host}/"]}
    [problem] = expect_problems(oxen, EDITOR, values, Limits(public_urls=True))
    assert problem.endswith("must have a host name in ASCII, such as xn--bcher-kva.example")


def test_public_urls_are_accepted(oxen: Oxen) -> None:
    """Other URLs, and a text that contains one, are accepted if URLs must be public."""
    runner = Runner(oxen, Limits(public_urls=True))
    for url in (
        URL,
        "http://93.184.216.34/a.png",
        "https://[2606:4700::1111]/a",
        "http://local.example/",
        "http://[64:ff9b::5db8:d822]/",
        "https://example.com/\xe9.png",
    ):
        assert runner.plan(EDITOR, {"prompt": "like http://localhost/", "input_image": [url]})
