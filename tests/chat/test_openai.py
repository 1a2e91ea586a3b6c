"""The clients of the package `openai` against the stand-in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from helpers.chat import CHAT_PATH, MODEL
from helpers.raw_server import RawServer
from oxen_models import AsyncOxen, ConfigurationError, MissingAPIKeyError, Oxen
from oxen_models.testing import Hub

if TYPE_CHECKING:
    import openai

pytestmark = pytest.mark.slow  # because loading the package takes a second

QUESTION: Any = [{"role": "user", "content": "Hello, ox."}]


@pytest.fixture
def client(hub: Hub) -> Iterator[openai.OpenAI]:
    """A client for the hub."""
    with Oxen("k3y", base_url=hub.url, timeout=7).openai() as opened:
        yield opened


def test_client_completes(client: openai.OpenAI, hub: Hub) -> None:
    """The real client reads an answer of the stand-in, and sends the key to it."""
    completion = client.chat.completions.create(model=MODEL, messages=QUESTION)
    assert completion.choices[0].message.content == "The stand-in read: Hello, ox."
    assert completion.usage is not None
    assert completion.usage.total_tokens > 0
    assert hub.requests[-1].headers["authorization"] == "Bearer k3y"
    assert (client.timeout, client.max_retries) == (7, 0)


def test_client_streams(client: openai.OpenAI, hub: Hub) -> None:
    """The real client reads a stream with tool calls and usage."""
    hub.chat(tool_calls=[("weather", {"city": "Oslo"})])
    with client.chat.completions.stream(
        model=MODEL, messages=QUESTION, stream_options={"include_usage": True}
    ) as stream:
        completion = stream.get_final_completion()
    assert completion.usage is not None
    [call] = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Oslo"}')


def test_client_reads_json_and_refusals(client: openai.OpenAI, hub: Hub) -> None:
    """The real client reads JSON, a refusal and an error."""
    import openai

    hub.chat({"breed": "Angus"})
    hub.chat(refusal="I must not.")
    complete = client.chat.completions.create
    assert complete(model=MODEL, messages=QUESTION).choices[0].message.content == '{"breed": "Angus"}'
    assert complete(model=MODEL, messages=QUESTION).choices[0].message.refusal == "I must not."
    with pytest.raises(openai.BadRequestError, match="temperature and top_p"):
        complete(model=MODEL, messages=QUESTION, temperature=1, top_p=1)
    hub.chat("The ox", error={"message": "too many oxen"})
    with pytest.raises(openai.APIError, match="too many oxen"):
        list(complete(model=MODEL, messages=QUESTION, stream=True))


def test_async_client_completes_and_streams(hub: Hub) -> None:
    """The asynchronous client does so, too."""

    async def main() -> str:
        async with AsyncOxen("k3y", base_url=hub.url).async_openai() as client:
            chunks = await client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
            completion = await client.chat.completions.create(model=MODEL, messages=QUESTION)
            assert completion.choices[0].message.content == text
            return text

    assert asyncio.run(main()) == "The stand-in read: Hello, ox."


def test_client_sends_a_request_once(client: openai.OpenAI, hub: Hub) -> None:
    """A failed request may have been accepted, and is not sent again."""
    import openai

    hub.respond_next(503, path=CHAT_PATH)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model=MODEL, messages=QUESTION)
    assert hub.count("POST", CHAT_PATH) == 1


def test_client_follows_no_redirect(client: openai.OpenAI, hub: Hub, other_server: RawServer) -> None:
    """A redirect to another server raises, and the key is not sent there."""
    import openai

    hub.respond_next(307, headers={"location": f"{other_server.url}/v1"}, path=CHAT_PATH)
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model=MODEL, messages=QUESTION)
    assert other_server.requests == []


def test_settings_for_openai_are_not_sent(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and names of an account with OpenAI in the environment are not sent to the hub."""
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with Oxen("k3y", base_url=hub.url, default_headers={"x-mark": "m"}).openai() as client:
        client.chat.completions.create(model=MODEL, messages=QUESTION)
    headers = hub.requests[-1].headers
    assert headers["x-mark"] == "m"
    assert "of-openai" not in str(headers)


def test_local_hub_is_reached_without_a_proxy(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment is not used for this machine."""
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Oxen("k3y", base_url=hub.url).openai() as client:
        assert client.chat.completions.create(model=MODEL, messages=QUESTION).choices


def test_invalid_proxy_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not usable is an error with its variable, as for the other clients."""
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy")
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
        Oxen("k3y", base_url=hub.url).openai()


def test_missing_package_and_key_raise(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, or without a key, an error says so."""
    with pytest.raises(MissingAPIKeyError):
        Oxen(base_url=hub.url).openai()
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ConfigurationError, match="needs the package openai"):
        Oxen("k3y", base_url=hub.url).openai()
