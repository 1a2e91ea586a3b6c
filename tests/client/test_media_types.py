"""The media types that files are recognized as, by their content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.media_files import FILES, OTHER_FILES, box, brands, element, movie
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.videos import TopazlabsProteusVideoRequest
from pydantic import ValidationError


def send(kind: str, content: bytes | Path) -> Any:
    """Return the data: URI of a file that is sent as a kind of media."""
    match kind:
        case "image":
            return QwenImageEditPlusRequest(prompt="x", input_image=[content]).body()["input_image"][0]
        case "video":
            return TopazlabsProteusVideoRequest(input_video=content).body()["input_video"]
        case _:
            return BytedanceSeedAudio10Request(prompt="x", audio_urls=[content]).body()["audio_urls"][0]


NAMES = [(kind, name) for kind, files in FILES.items() for name in files]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_file_has_its_type(kind: str, name: str, tmp_path: Path) -> None:
    """Paths and bytes are recognized the same, and accepted as their kind of media only."""
    mime, content = FILES[kind][name]
    path = tmp_path / "named.txt"
    path.write_bytes(content)
    for source in (content, path):
        assert send(kind, source).startswith(f"data:{mime};base64,")
    for other in FILES.keys() - {kind}:
        with pytest.raises(ValidationError, match=f"must be an? {other} file, got {mime.split('/')[0]}"):
            send(other, path)


@pytest.mark.parametrize("name", OTHER_FILES)
def test_other_file_is_rejected(name: str, tmp_path: Path) -> None:
    """Text and other files are no media, even if they begin with the letters of a signature."""
    path = tmp_path / "named.png"
    path.write_bytes(OTHER_FILES[name])
    for kind in FILES:
        for source in (OTHER_FILES[name], path):
            with pytest.raises(ValidationError, match=r"got (an unknown format|application/pdf)"):
                send(kind, source)


def nest(part: Callable[[bytes], bytes], levels: int) -> bytes:
    """Return a part in a part, and so on."""
    content = b""
    for _ in range(levels):
        content = part(content)
    return content


DAMAGED = [
    *(
        content[:size]
        for files in FILES.values()
        for _, content in files.values()
        for size in (5, 17, 44, 150)
    ),
    box(b"moov") * 3000,
    nest(lambda content: box(b"moov", content), 3000),
    brands(b"isom") + nest(lambda content: box(b"trak", content), 3000),
    element("1a45dfa3", b"") + element("18538067", nest(lambda content: element("ae", content), 3000)),
    movie(b"vide")[:-4] + b"\xff\xff\xff\xff",
    b"\0\0\0\0moov",
    b"\0\0\0\1mdat" + bytes(8),
    b"\0\0\0\1mdat" + b"\xff" * 8,
    b"\0\0\0\1mdat" + b"\x7f" + b"\xff" * 7,
    brands(b"isom") + b"\0\0\0\7moov",
    element("1a45dfa3", b"") + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(50),
    element("1a45dfa3", b"") + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xfe" * 20,
    b"\x1a\x45\xdf\xa3" + b"\xff" * 100,
]


@pytest.mark.slow
def test_damaged_file_raises_no_other_error(tmp_path: Path) -> None:
    """A file that is cut off, or whose sizes are wrong, is recognized or rejected."""
    path, problems = tmp_path / "file", set[str]()
    for content in DAMAGED:
        path.write_bytes(content)
        for source in (content, path):
            try:
                send("video", source)
            except ValidationError as error:
                problems.update(problem["type"] for problem in error.errors())
    assert problems == {"media"}
