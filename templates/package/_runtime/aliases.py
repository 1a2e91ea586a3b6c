"""The names that models have for the same parameter. Data of the vendor's schemas, used by `compare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

AliasKind: TypeAlias = Literal["exact", "number", "seconds", "format", "frame", "image", "video", "audio"]
"""How the value of a parameter is adapted to a model.

`exact` values are sent as they are or not at all. A `number` is limited to the range of the model. `seconds`
are numbers, or texts such as "5s" and "auto". A `format` is the name of a file format. A `frame` parameter
states the shape or the size of the result. Files of a kind are sent alone or in a list.
"""


@dataclass(frozen=True, slots=True)
class Alias:
    """A parameter that several models have, and its names."""

    name: str
    """The common name."""
    kind: AliasKind
    """How its value is adapted."""
    parameters: tuple[str, ...]
    """The names of the parameter in models. If a model has several of them, the first one is used."""
    synonyms: tuple[str, ...] = ()
    """Further names that are accepted, and that no model has."""
    inverse: str | None = None
    """The parameter of models whose value is the opposite; None without one."""


ALIASES: tuple[Alias, ...] = (
    Alias("prompt", "exact", ("prompt",)),
    Alias("negative_prompt", "exact", ("negative_prompt",)),
    Alias(
        "image",
        "image",
        (
            "start_image_url",
            "input_image",
            "input_images",
            "reference_images",
            "reference_image_urls",
            "reference_image_url",
            "image_url",
        ),
        synonyms=("images", "start_image"),
    ),
    Alias(
        "last_image",
        "image",
        ("tail_image_url", "end_image_url", "last_frame_image"),
        synonyms=("end_image", "tail_image"),
    ),
    Alias("mask", "image", ("mask_url",)),
    Alias(
        "video", "video", ("input_video", "video_url", "input_videos"), synonyms=("videos", "reference_video")
    ),
    Alias("audio", "audio", ("input_audio", "audio_url", "input_audios", "audio_urls"), synonyms=("audios",)),
    Alias("aspect_ratio", "frame", ("aspect_ratio",), synonyms=("ratio",)),
    Alias("resolution", "frame", ("resolution", "target_resolution")),
    Alias("size", "frame", ("size", "image_size")),
    Alias("width", "frame", ("width",)),
    Alias("height", "frame", ("height",)),
    Alias("duration", "seconds", ("duration",), synonyms=("seconds",)),
    Alias("fps", "number", ("fps", "frames_per_second", "target_fps", "output_fps")),
    Alias("num_frames", "number", ("num_frames", "max_frames")),
    Alias("num_images", "number", ("num_images",), synonyms=("n", "num_generations")),
    Alias("seed", "exact", ("seed",)),
    Alias("steps", "number", ("num_inference_steps",)),
    Alias("guidance", "number", ("guidance", "guidance_scale", "cfg_scale")),
    Alias("output_format", "format", ("output_format",), synonyms=("format",)),
    Alias("quality", "exact", ("quality", "video_quality")),
    Alias("generate_audio", "exact", ("generate_audio",), synonyms=("with_audio",)),
    Alias("expand_prompt", "exact", ("enable_prompt_expansion", "prompt_extend", "autoprompt")),
    Alias("thinking", "exact", ("enable_thinking",)),
    Alias("web_search", "exact", ("google_search", "grounding")),
    Alias("safety_checker", "exact", ("enable_safety_checker",), inverse="disable_safety_checker"),
)
"""The parameters that models have under several names or with different values."""

SHAPES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "square_hd": (1, 1),
        "square": (1, 1),
        "portrait": (2, 3),
        "landscape": (3, 2),
        "portrait_4_3": (3, 4),
        "landscape_4_3": (4, 3),
        "portrait_16_9": (9, 16),
        "landscape_16_9": (16, 9),
    }
)
"""Width and height that a named shape stands for."""
AUTOMATIC = frozenset({"auto", "adaptive", "match_input_image"})
"""Values that leave the choice to the model."""
SAME_FORMATS: Mapping[str, str] = MappingProxyType({"jpg": "jpeg", "jpeg": "jpg"})
"""Other names of a file format."""


def _index_names() -> dict[str, Alias]:
    names: dict[str, Alias] = {}
    for alias in ALIASES:
        own = (alias.name, *alias.parameters, *alias.synonyms, *([alias.inverse] if alias.inverse else ()))
        names |= dict.fromkeys(own, alias)
    return names


ALIAS_BY_NAME: Mapping[str, Alias] = MappingProxyType(_index_names())
"""The alias of each name."""
