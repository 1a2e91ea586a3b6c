"""The catalogue of the package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the hub, as it was when the package was generated."""

    id: str
    """The hub's name of the model."""
    display_name: str
    """The name for people."""
    developer: str | None
    """Who made the model."""
    family: str | None
    """The attribute of the client that has its calls; None where its endpoint is not known."""
    verb: str | None
    """The name of its call."""
    inputs: tuple[str, ...]
    """The media it takes: text, image, video, audio."""
    outputs: tuple[str, ...]
    """The media it gives."""
    module: str | None
    """The module with its request and calls; None for a model that is only listed."""
    schema_digest: str | None
    """SHA-256 of its parameter schema, as hex; None for a model that has none."""
    changed: str | None
    """The day its record last changed, as YYYY-MM-DD."""


class Catalog:
    """Models by their properties."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self._models = models

    def models(
        self,
        *,
        developer: str | None = None,
        family: str | None = None,
        verb: str | None = None,
        input: str | None = None,
        output: str | None = None,
        bound: bool | None = None,
    ) -> list[Model]:
        """The models that fit every filter, in the order of their ids.

        Args:
            developer: Who made it, whatever the case of the letters.
            family: images, videos, audio or chat.
            verb: edit, generate, speak, complete or transcribe.
            input: A medium it takes: text, image, video, audio.
            output: A medium it gives.
            bound: Whether the package has a typed call for it.
        """
        return [
            model
            for model in self._models
            if (developer is None or (model.developer or "").lower() == developer.lower())
            and (family is None or model.family == family)
            and (verb is None or model.verb == verb)
            and (input is None or input in model.inputs)
            and (output is None or output in model.outputs)
            and (bound is None or (model.module is not None) == bound)
        ]

    def get(self, id: str) -> Model:
        """The model with this id.

        Raises:
            KeyError: The package does not know it.
        """
        for model in self._models:
            if model.id == id:
                return model
        raise KeyError(id)
