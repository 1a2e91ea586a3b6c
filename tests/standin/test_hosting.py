"""How programs and tests host the stand-in hub: start and stop, a fixture, its memory, proxies and names."""

from __future__ import annotations

from pathlib import Path

import httpx
import oxen_models as ox
import pytest
from helpers.hub_api import AUTH_HEADERS, EDIT, EDIT_BODY
from helpers.raw_server import RawServer
from oxen_models.testing import Hub

pytest_plugins = ["pytester"]


@pytest.mark.slow
def test_hub_starts_and_stops() -> None:
    """A hub runs between `start` and `stop`, more than once, and `stop` may be repeated."""
    hub = Hub()
    hub.stop()
    for _ in range(2):
        assert hub.start() is hub
        assert httpx.get(f"{hub.url}/api/ai/models", headers=AUTH_HEADERS).status_code == 200
        with pytest.raises(RuntimeError):
            hub.start()
        hub.stop()
        hub.stop()
        with pytest.raises(RuntimeError, match="call start"):
            _ = hub.url


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.example:80", "10.0.0.1", "x@[::1]"]
)
def test_foreign_host_header_is_rejected(hub: Hub, host: str) -> None:
    """A request under another name, which a page in a browser could send, is rejected without an effect."""
    response = httpx.post(f"{hub.url}{EDIT}", json=EDIT_BODY, headers={**AUTH_HEADERS, "host": host})
    assert response.status_code == 421
    assert "Host header" in response.text
    assert hub.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1"])
def test_own_host_header_is_accepted(hub: Hub, host: str) -> None:
    """A request under a name of this machine is accepted, with any port."""
    headers = {**AUTH_HEADERS, "host": host}
    assert httpx.get(f"{hub.url}/api/ai/models", headers=headers).status_code == 200


@pytest.mark.slow
def test_old_results_are_forgotten(hub: Hub, api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results of blocking calls are kept up to a number; the oldest one is not found any more."""
    monkeypatch.setattr("oxen_models.testing._state.MAX_FILES", 2)
    urls = [
        api.post(EDIT, json={**EDIT_BODY, "prompt": prompt}).json()["images"][0]["url"] for prompt in "abc"
    ]
    assert [httpx.get(url).status_code for url in urls] == [404, 200, 200]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_hub_is_reached_without_the_proxy(
    hub: Hub, server: RawServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """A proxy of the environment does not receive the requests and downloads from this machine."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, server.url)
    for url in (hub.url, hub.url.replace("127.0.0.1", "localhost")):
        with ox.Oxen("any", base_url=url) as oxen:
            job = oxen.images.qwen_image.submit(prompt="x")
            job.result().images[0].save(tmp_path)
    assert server.requests == []


@pytest.mark.slow
def test_fixture_configures_the_client(pytester: pytest.Pytester) -> None:
    """With the plugin, `Oxen()` uses the hub of the fixture, which each test finds without requests."""
    pytester.makeconftest('pytest_plugins = ["oxen_models.testing.fixtures"]')
    pytester.makepyfile(
        """
        import pytest
        from oxen_models import Oxen

        @pytest.mark.parametrize("number", [1, 2])
        def test_call(oxen_hub, number):
            assert oxen_hub.requests == []
            with Oxen() as oxen:
                assert oxen.images.qwen_image.generate(prompt="x").images
            assert oxen_hub.count("POST", "/api/ai/images") == 1
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=2)
