"""The bodies of requests, and the digests of them."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.media_inputs import make_data_uri
from oxen_models._runtime.digests import digest_body
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.videos import TopazlabsProteusVideoRequest

PNG_START = b"\x89PNG\r\n\x1a\n"
SIZES = [1, 2, 3, 70_000, 2**18, 2**18 + 1, 1_000_000]


def create_png(size: int) -> bytes:
    """Return bytes of some length that are taken for a PNG file."""
    return PNG_START + (b"0123456789" * (size // 10 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_digest_body_is_equal_for_equal_media(tmp_path: Path, size: int) -> None:
    """A path, bytes, an open file and a data: URI of the same content have the same digest."""
    content = create_png(size)
    path = tmp_path / "x.png"
    path.write_bytes(content)
    expected = {
        "model": "qwen-image-edit-plus",
        "prompt": "x",
        "input_image": [f"sha256:{sha256(content).hexdigest()}"],
    }
    for image in (path, content, io.BytesIO(content), make_data_uri(content)):
        request = QwenImageEditPlusRequest(prompt="x", input_image=[image])
        assert digest_body(request) == expected
        parameters = {"input_image": tuple(request.body()["input_image"]), "prompt": "x"}
        assert digest_body(ox.UntypedRequest(request.model_id, "/images/edit", parameters)) == expected


def test_digest_body_differs_for_different_content() -> None:
    """One byte at the end of a large file changes the digest."""
    a, b = (create_png(1_000_000) + end for end in (b"a", b"b"))
    digests = [digest_body(QwenImageEditPlusRequest(prompt="x", input_image=[each])) for each in (a, b)]
    assert digests[0] != digests[1]


@pytest.mark.parametrize("text", ["https://example.com/dog.png", "data:,x", "data: base64, please", "HTTP:"])
def test_digest_body_keeps_other_strings(text: str) -> None:
    """Only the content of base64 data: URIs is replaced."""
    request = QwenImageEditPlusRequest(prompt=text, input_image=[text])
    assert digest_body(request) == request.body()


@pytest.mark.parametrize("content", ["Q", "QQ==QQ==", "QU\nJD", "ö", "A" * 2**18 + "QQ==" + "A" * 2**18])
def test_digest_body_of_invalid_base64_is_of_the_text(content: str) -> None:
    """A data: URI that cannot be decoded is replaced as well, and differs from other content."""
    uri = f"data:image/png;base64,{content}"
    request = QwenImageEditPlusRequest(prompt="x", input_image=[uri])
    assert digest_body(request)["input_image"] == [f"sha256:{sha256(uri.encode()).hexdigest()}"]


def test_digest_body_is_equal_for_equal_numbers() -> None:
    """4 and 4.0 are the same number in JSON, also in nested values; True is not 1."""
    url = "https://example.com/x.mp4"
    a, b = (digest_body(TopazlabsProteusVideoRequest(input_video=url, target_fps=fps)) for fps in (24, 24.0))
    assert repr(a) == repr(b)
    parameters: list[dict[str, Any]] = [{"x": [{"y": value}]} for value in (4, 4.0, True, 1)]
    bodies = [digest_body(ox.UntypedRequest("a", "/images/generate", each)) for each in parameters]
    assert repr(bodies[0]) == repr(bodies[1])
    assert repr(bodies[2]) != repr(bodies[3])
