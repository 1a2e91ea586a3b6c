"""The catalogue: the models that were recorded when the package was generated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as it was when the package was generated."""

    id: str
    """The id of the model in the API."""
    display_name: str
    """The name of the model for readers."""
    developer: str | None
    """The developer of the model."""
    family: str | None
    """The attribute of the client that has the model's call; None if it is unknown."""
    verb: str | None
    """The name of the call."""
    verbs: tuple[str, ...]
    """The names of the call: `generate` and `edit` for an image model with an optional input image."""
    inputs: tuple[str, ...]
    """The kinds of input: text, image, video, audio."""
    outputs: tuple[str, ...]
    """The kinds of output."""
    module: str | None
    """The module with the request and the call; None for a model without a typed call."""
    schema_digest: str | None
    """The hexadecimal SHA-256 of the parameter schema; None for a model without one."""
    changed: str | None
    """The day on which the record last changed, as YYYY-MM-DD."""


class Catalog:
    """Recorded models, which can be filtered."""

    def __init__(self, models: tuple[ModelInfo, ...]) -> None:
        self._models = models

    def models(
        self,
        *,
        developer: str | None = None,
        family: str | None = None,
        verb: str | None = None,
        input: str | None = None,
        output: str | None = None,
        typed: bool | None = None,
    ) -> list[ModelInfo]:
        """Return the models that match every filter, ordered by id.

        Args:
            developer: The developer, compared without regard to case.
            family: images, videos, audio or chat.
            verb: edit, generate, speak or complete, as any of the names of the call.
            input: A kind of input: text, image, video or audio.
            output: A kind of output.
            typed: Whether the package has a typed call for the model.
        """
        return [
            model
            for model in self._models
            if (developer is None or (model.developer or "").lower() == developer.lower())
            and (family is None or model.family == family)
            and (verb is None or verb in model.verbs)
            and (input is None or input in model.inputs)
            and (output is None or output in model.outputs)
            and (typed is None or (model.module is not None) == typed)
        ]

    def get(self, id: str) -> ModelInfo:
        """Return the model with an id.

        Raises:
            KeyError: No model has this id.
        """
        for model in self._models:
            if model.id == id:
                return model
        raise KeyError(id)
