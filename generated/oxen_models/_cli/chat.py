# Copied by oxen-codegen from templates/package/_cli/chat.py. Do not edit.
"""`chat`: talk to a chat model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .failures import InvalidValueError
from .model_commands import ModelIdType
from .options import base_url_option, create_client
from .output import get_output, output_option, print_note
from .texts import TextError, read_text

if TYPE_CHECKING:
    from oxen_models import Oxen


@click.command()
@click.argument("model", type=ModelIdType("chat"))
@click.argument("prompt", required=False)
@click.option("--system", help="The instructions for the model.")
@click.option("--image", "images", multiple=True, metavar="PATH|URL", help="An image to send. Repeatable.")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    help="The randomness of the answer. Defaults to that of the model.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1),
    metavar="N",
    help="Maximum length of the answer in tokens. Defaults to that of the model.",
)
@click.option("--stream/--no-stream", default=True, help="Print the answer while it is written (default).")
@base_url_option
@output_option
def chat_command(
    model: str,
    prompt: str | None,
    system: str | None,
    images: Sequence[str],
    stream: bool,
    base_url: str | None,
    **options: Any,
) -> None:
    """Send PROMPT to a chat MODEL and print the answer.

    PROMPT is a text, @name for a file, or - for the standard input, from which it is also read if it is
    omitted. On a terminal, a conversation begins then; an empty line or Ctrl-D ends it.
    """
    settings = {name: value for name, value in options.items() if value is not None}
    messages: list[dict[str, Any]] = [] if system is None else [{"role": "system", "content": system}]
    is_conversation = prompt is None and sys.stdin.isatty()
    with create_client(base_url) as oxen:
        while True:
            text = _ask() if is_conversation else None
            if text == "":
                return
            messages.append(_create_message(_read(prompt) if text is None else text, images))
            images = ()
            answer = _answer(oxen, model, messages, settings, is_streamed=stream and get_output().is_human)
            if not is_conversation:
                return
            messages.append({"role": "assistant", "content": answer})


def _ask() -> str:
    """Return the next message of a conversation; empty at the end of the input."""
    try:
        return str(click.prompt("you", default="", show_default=False, err=True))
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo(err=True)
        return ""


def _read(prompt: str | None) -> str:
    try:
        return read_text("-" if prompt is None else prompt)
    except TextError as error:
        raise InvalidValueError(str(error)) from None


def _create_message(text: str, images: Sequence[str]) -> dict[str, Any]:
    if not images:
        return {"role": "user", "content": text}
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": image}} for image in images
    ]  # media before text is advised
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def _answer(
    oxen: Oxen,
    model: str,
    messages: Sequence[Any],
    settings: Mapping[str, Any],
    *,
    is_streamed: bool,
) -> str:
    """Print the answer to a conversation and return it."""
    from oxen_models._runtime.json_schema.prices import format_amount
    from oxen_models._runtime.printable import escape_controls

    if not is_streamed:
        completion = oxen.chat.complete(model=model, messages=messages, **settings)
        text = completion.text or ""
        get_output().show(completion.response.json, text, [text])
        return text
    with oxen.chat.stream(model=model, messages=messages, include_usage=True, **settings) as chunks:
        for chunk in chunks:
            click.echo(escape_controls(chunk.text or ""), nl=False)
    click.echo()
    completion = chunks.completion
    usage = completion.usage
    if usage is not None:
        cost = "" if usage.cost is None else f", {format_amount(usage.cost)}"
        print_note(f"{usage.total_tokens} tokens{cost}")
    return completion.text or ""
