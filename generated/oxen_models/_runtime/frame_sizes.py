# Copied by oxen-codegen from templates/package/_runtime/frame_sizes.py. Do not edit.
"""The shape and the size of a result in the terms of one model: ratio, resolution, or width and height."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeGuard

from oxen_models._runtime.json_schema.json_types import is_object

from .aliases import AUTOMATIC, SHAPES

_NUMBER = r"(\d{1,5}(?:\.\d{1,5})?)"
_RATIO = re.compile(f"{_NUMBER}:{_NUMBER}")
_LINES = re.compile(r"(\d{1,5})(?:p|sq)?")
_THOUSANDS = re.compile(r"(\d{1,2})k")
_MEGAPIXELS = re.compile(f"{_NUMBER} ?mp")
_MAX_LENGTH = 99_999
_VIDEO_LINES = {1: 720, 2: 1440, 3: 1620, 4: 2160, 8: 4320}
_STEP = 16
Statement: TypeAlias = Literal["shape", "size", "pixels"]
"""What a parameter states: the ratio of width and height, the resolution, or both in pixels."""
_RATIO_NAMES = ("aspect_ratio", "size", "image_size", "resolution")
_RESOLUTION_NAMES = ("resolution", "size", "image_size", "target_resolution")


@dataclass(slots=True)
class FrameSize:
    """A shape and a size, as far as parameters state them."""

    ratio: float | None = None
    """Width divided by height; None if it is not stated, or left to the model."""
    is_automatic: bool = False
    """Whether the shape is left to the model."""
    label: str | None = None
    """The name of the resolution, such as 2K or 720p."""
    width: int | None = None
    """The width in pixels."""
    height: int | None = None
    """The height in pixels."""

    def read(self, name: str, value: object) -> Statement | None:
        """Include a parameter, and return what it states; None if it states nothing.

        The first one applies if several parameters state the same.
        """
        if name in ("width", "height"):
            return self._read_lengths({name: value})
        if is_object(value):
            return self._read_lengths(value) if value.keys() == {"width", "height"} else None
        if not isinstance(value, str) and not _is_length(value):
            return None
        text = str(value)
        if name in ("aspect_ratio", "ratio") and text in AUTOMATIC:
            self.is_automatic = True
            return "shape"
        if (ratio := parse_ratio(text)) is not None:
            self.ratio = self.ratio or ratio
            return "shape"
        if count_lines(text, is_video=False) is not None:
            self.label = self.label or text
            return "size"
        return None

    def fit(
        self, properties: Mapping[str, Any], stated: frozenset[Statement], *, is_video: bool
    ) -> tuple[dict[str, Any], frozenset[Statement]]:
        """Return the parameters of a model that state this frame as nearly as possible, and what they state.

        Args:
            properties: The schemas of the parameters of the model.
            stated: What other parameters of the request state already.
            is_video: Whether the result is a video.
        """
        if not self.width or not self.height:
            stated -= {"pixels"}
        self._complete()
        sent: dict[str, Any] = {}
        added: set[Statement] = set()
        name, choice = self._find_ratio(properties)
        if name is not None and not stated & {"shape", "pixels"}:
            sent[name] = choice
            added |= {"shape", "pixels"}
        lines = self._count_lines(is_video=is_video)
        if lines is not None and not stated & {"size", "pixels"}:
            for name in _RESOLUTION_NAMES:
                found = _find_nearest_lines(properties.get(name), lines, self.label, is_video=is_video)
                if found is not None and name not in sent:
                    sent[name] = found
                    added |= {"size", "pixels"}
                    break
        if not sent and not stated and {"width", "height"} <= properties.keys():
            sent = self._fit_pixels(properties["width"], properties["height"], lines, is_video=is_video)
            added |= {"shape", "size", "pixels"} if sent else set()
        return sent, frozenset(added)

    def _read_lengths(self, lengths: Mapping[str, object]) -> Statement | None:
        if not all(map(_is_length, lengths.values())):
            return None
        for name, length in lengths.items():
            setattr(self, name, getattr(self, name) or length)
        if self.width and self.height:
            self.ratio = self.ratio or self.width / self.height
        return "pixels"

    def _complete(self) -> None:
        """Set the other length if only one is stated, and the ratio."""
        if self.ratio is None:
            return
        if self.width and not self.height:
            self.height = max(1, round(self.width / self.ratio))
        elif self.height and not self.width:
            self.width = max(1, round(self.height * self.ratio))

    def _find_ratio(self, properties: Mapping[str, Any]) -> tuple[str | None, str]:
        for name in _RATIO_NAMES:
            choices = [choice for choice in _list_choices(properties.get(name)) if parse_ratio(choice)]
            if self.is_automatic:
                automatic = [choice for choice in _list_choices(properties.get(name)) if choice in AUTOMATIC]
                if choices and automatic:
                    return name, automatic[0]
            if self.ratio is not None and choices:
                ratio = self.ratio
                return name, min(choices, key=lambda choice: _distance(parse_ratio(choice) or 1, ratio))
        return None, ""

    def _count_lines(self, *, is_video: bool) -> float | None:
        if self.label is not None:
            return count_lines(self.label, is_video=is_video)
        if self.width and self.height:
            return min(self.width, self.height) if is_video else math.sqrt(self.width * self.height)
        return None

    def _fit_pixels(
        self,
        width_node: Mapping[str, Any],
        height_node: Mapping[str, Any],
        lines: float | None,
        *,
        is_video: bool,
    ) -> dict[str, int]:
        """Return a width and a height within the limits of a model."""
        width, height = float(width_node.get("default", 1024)), float(height_node.get("default", 1024))
        ratio = self.ratio or width / height
        if self.ratio is None and (lines is None or self.width or self.height):
            return {}
        if self.width and self.height:
            width, height = float(self.width), float(self.height)
        elif lines is not None and is_video:
            width, height = lines * max(1, ratio), lines * max(1, 1 / ratio)
        else:
            area = width * height if lines is None else lines * lines
            width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        scale = min(1, width_node.get("maximum", width) / width, height_node.get("maximum", height) / height)
        if (width, height) == (self.width, self.height) and scale == 1:
            scaled = (int(width), int(height))
        else:
            scaled = (_round(width * scale), _round(height * scale))
        return {"width": _limit(width_node, scaled[0]), "height": _limit(height_node, scaled[1])}


def _is_length(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_LENGTH


def parse_ratio(text: str) -> float | None:
    """Return the width divided by the height that a text such as 16:9 or portrait_4_3 states, if any."""
    if text in SHAPES:
        width, height = SHAPES[text]
        return width / height
    match = _RATIO.fullmatch(text)
    return float(match[1]) / float(match[2]) if match and float(match[1]) and float(match[2]) else None


def count_lines(text: str, *, is_video: bool) -> float | None:
    """Return the length in pixels that a text such as 2K, 720p or "1 MP" states; None for other texts.

    It is the length of the shorter side of a video, and of the side of a square image.
    """
    text = text.lower()
    if match := _LINES.fullmatch(text):
        return int(match[1]) or None
    if match := _THOUSANDS.fullmatch(text):
        thousands = int(match[1])
        return (_VIDEO_LINES.get(thousands) if is_video else 1024 * thousands) or None
    if match := _MEGAPIXELS.fullmatch(text):
        return 1024 * math.sqrt(float(match[1])) or None
    return None


def _find_nearest_lines(node: Any, lines: float, label: str | None, *, is_video: bool) -> str | None:
    lengths = {
        choice: length
        for choice in _list_choices(node)
        if (length := count_lines(choice, is_video=is_video)) is not None
    }
    if label in lengths:
        return label
    return min(lengths, key=lambda choice: _distance(lengths[choice], lines), default=None)


def _list_choices(node: Mapping[str, Any] | None) -> list[str]:
    choices: Sequence[object] = () if node is None else node.get("enum", ())
    return [choice for choice in choices if isinstance(choice, str)]


def _distance(a: float, b: float) -> float:
    return abs(math.log(a / b))


def _round(length: float) -> int:
    return max(_STEP, round(length / _STEP) * _STEP)


def _limit(node: Mapping[str, Any], length: int) -> int:
    return int(max(min(length, node.get("maximum", length)), node.get("minimum", 1)))
