"""Tests of the files that clients upload to the stand-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from helpers.hub_api import EDIT, EDIT_BODY, enqueue, wait_for_end
from oxen_models.testing import Hub

REPOSITORY = "/api/repos/standin/playground"
CONTENT = b"\r\n--not a boundary\r\n\0\xff\n"


def upload(api: httpx.Client, name: str = "dog.png") -> str:
    """Upload a file and return its path."""
    files = {"file": (name, CONTENT, "image/png")}
    response = api.post(f"{REPOSITORY}/workbench/context", data={"directory": "tests"}, files=files)
    return str(response.raise_for_status().json()["asset_path"])


def sign(api: httpx.Client, path: str) -> Any:
    return api.get(f"{REPOSITORY}/file/presigned_url/main/{path}").raise_for_status().json()["url"]


@pytest.mark.slow
def test_upload_is_read_at_its_url(hub: Hub, api: httpx.Client) -> None:
    """The URL of an upload returns the bytes that were sent, without a key."""
    path = upload(api)
    file = httpx.get(sign(api, path)).raise_for_status()
    assert (path, file.content, file.headers["content-type"]) == ("oxen/tests/dog.png", CONTENT, "image/png")
    assert hub.uploads == {f"{REPOSITORY}/file/main/{path}": CONTENT}


def test_user_is_returned(api: httpx.Client) -> None:
    """The user of the key is the owner of the repository."""
    assert api.get("/api/users/me").json() == {"user": {"username": "standin"}}


@pytest.mark.slow
def test_repositories_are_created(api: httpx.Client) -> None:
    """A repository exists after it was created, and its name is taken."""
    repository = {"namespace": "studio", "name": "inputs"}
    path = "/api/repos/studio/inputs"
    files = {"file": ("dog.png", CONTENT, "image/png")}
    assert api.get(path).status_code == api.post(f"{path}/workbench/context", files=files).status_code == 404
    created = api.post("/api/repos/", json={**repository, "visibility": "private", "workbench": True})
    assert (created.status_code, created.json()) == (201, {"repository": repository})
    assert api.get(path).json() == {"repository": repository}
    assert api.post(f"{path}/workbench/context", files=files).status_code == 200
    taken = api.post("/api/repos/", json=repository)
    assert (taken.status_code, taken.json()["error"]["detail"]) == (422, "name already taken")
    assert api.post("/api/repos/", json={}).status_code == 400


@pytest.mark.slow
def test_user_agent_of_an_old_command_line(api: httpx.Client) -> None:
    """The repository server takes agents with "oxen" for its command line, and rejects old versions of it."""
    statuses = {
        "oxen-studio": 426,
        "MyOxen/0.35.9 (linux)": 426,
        "Oxen/0.36.0": 404,
        "oxen/1": 404,
        "Postman oxen/0.1": 404,
        "studio/0.1": 404,
    }
    for agent, status in statuses.items():
        response = api.get("/api/repos/a/b", headers={"user-agent": agent})
        assert response.status_code == status
        assert (response.json()["error"]["type"] == "update_required") == (status == 426)
    assert api.get("/api/ai/models/film", headers={"user-agent": "oxen"}).status_code == 200


@pytest.mark.slow
def test_form_without_a_file_is_refused(api: httpx.Client) -> None:
    """An upload needs a file."""
    response = api.post(f"{REPOSITORY}/workbench/context", files={"other": ("x.png", CONTENT)})
    assert (response.status_code, response.json()["error"]["detail"]) == (400, "the form has no file")


def test_unknown_file_is_not_signed(api: httpx.Client) -> None:
    """There is no URL of a file that was not uploaded."""
    assert api.get(f"{REPOSITORY}/file/presigned_url/main/none.png").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("change", ["expired", "unsigned"])
def test_url_that_is_not_valid_is_refused(hub: Hub, api: httpx.Client, change: str) -> None:
    """An expired or unsigned URL cannot be read, neither by a client nor by a model."""
    path = upload(api)
    if change == "expired":
        hub.inject_fault("url-seconds", 0, times=1)
    url = sign(api, path) if change == "expired" else f"{hub.url}{REPOSITORY}/file/main/{path}"
    assert httpx.get(url).status_code == (403 if change == "expired" else 401)
    body = {**EDIT_BODY, "input_image": [url]}
    response = api.post(EDIT, json=body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_file_input")
    job = wait_for_end(api, enqueue(api, body)[0])
    assert (job["status"], job["error_message"][:21]) == ("failed", "403 Client Error: For")


@pytest.mark.slow
def test_file_of_another_hub_is_accepted(api: httpx.Client) -> None:
    """The hub knows nothing of the files of other hubs, whose URLs look alike."""
    url = "https://hub.oxen.ai/api/repos/ox/pictures/file/main/ox.png"
    assert api.post(EDIT, json={**EDIT_BODY, "input_image": [url]}).status_code == 200


@pytest.mark.slow
def test_valid_url_is_accepted(api: httpx.Client) -> None:
    """A request with a valid URL of an upload succeeds, as often as it is sent."""
    body = {**EDIT_BODY, "input_image": [sign(api, upload(api))]}
    assert [api.post(EDIT, json=body).status_code for _ in range(2)] == [200, 200]
