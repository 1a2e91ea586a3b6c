"""The stand-in hub answers as the hub's documentation tells, over real sockets."""

import base64
import http.client
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import oxen_models
import pytest
from helpers.hub_api import stop_hub
from oxen_models.testing import Dialect, Hub
from oxen_models.testing.__main__ import main
from PIL import Image

EDIT = "/api/ai/images/edit"
URL = "https://example.invalid/dog.png"
BODY: dict[str, Any] = {"model": "qwen-image-edit-plus", "prompt": "Add a hat", "input_image": [URL]}
SHIPPED = Path(str(oxen_models.__file__)).parent / "schemas"
KEY = {"Authorization": "Bearer key"}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url, headers=KEY, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def uncalled() -> Iterator[str]:
    """The address of a server that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def get(hub: Hub, path: str) -> Any:
    return httpx.get(hub.url + path, headers=KEY, trust_env=False).json()


def model(name: str = "m", output: str = "image", **more: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    return {"id": name, "capabilities": {"output": [output]}, "json_request_schema": schema, **more}


def folder(path: Path, **more: Any) -> Path:
    (path / "m.json").write_text(json.dumps(model(**more)))
    return path


def data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def result(api: httpx.Client, body: dict[str, Any], path: str = EDIT, kind: str = "images") -> bytes:
    answer = api.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return httpx.get(answer.json()[kind][0]["url"], trust_env=False).raise_for_status().content


def test_list_holds_every_shipped_model(api: httpx.Client) -> None:
    answer = api.get("/api/ai/models")
    assert (answer.headers["server"], answer.json()["object"]) == ("models-standin", "list")
    models = answer.json()["data"]
    stored = [json.loads(path.read_bytes())["id"] for path in SHIPPED.glob("*.json")]
    assert sorted(each["id"] for each in models) == sorted(stored)
    for each in models:
        assert {"object", "pricing", "deployments", "json_request_schema"} <= each.keys()
        assert "changed" not in each


def test_list_narrows_by_developer_and_by_name(api: httpx.Client) -> None:
    by_developer = api.get("/api/ai/models", params={"developer_name": "Qwen"}).json()["data"]
    assert {each["developer"]["name"] for each in by_developer} == {"Qwen"}
    found = api.get("/api/ai/models/search", params={"search": "QWEN-image-edit"}).json()["data"]
    assert "qwen-image-edit-plus" in [each["id"] for each in found]
    assert len(found) < len(list(SHIPPED.glob("*.json")))


@pytest.mark.parametrize("name", ["qwen-image-edit-plus", "oxen:ox-abc", "team/model", "50% été?#"])
def test_models_of_any_id_come_and_go(hub: Hub, api: httpx.Client, name: str) -> None:
    own = model(name)
    hub.add_model(own)
    own["capabilities"]["output"].append("changed afterwards")
    answer = api.get(f"/api/ai/models/{quote(name, safe='')}").json()
    assert (answer["id"], answer["capabilities"]) == (name, {"output": ["image"]})
    assert api.get(f"/api/ai/models/{name}/").status_code == 404
    hub.remove_model(name)
    assert api.get(f"/api/ai/models/{quote(name, safe='')}").status_code == 404


def test_stored_form_is_answered_as_the_hub_would(tmp_path: Path) -> None:
    (tmp_path / "%4Fx%3A1.json").write_text(json.dumps(model("Ox:1", changed="2026-08-08")))
    (tmp_path / "raw.json").write_text(json.dumps({"data": model("raw", pricing={"method": "token"})}))
    with Hub(tmp_path) as hub:
        plain = get(hub, "/api/ai/models/Ox%3A1")
        assert get(hub, "/api/ai/models/raw")["pricing"] == {"method": "token"}
    assert (plain["id"], plain["pricing"], plain["deployments"]) == ("Ox:1", None, [])
    assert "changed" not in plain


@pytest.mark.parametrize("written", ["/images/edit", "images/edit", "https://hub.oxen.ai/api/ai/images/edit"])
def test_endpoint_spellings(tmp_path: Path, written: str) -> None:
    expected: dict[Any, str | None] = {"stored": written, "bare": "images/edit", "missing": None}
    expected |= {"path": "/api/ai/images/edit", "url": "URL/api/ai/images/edit"}
    for how, endpoint in expected.items():
        with Hub(folder(tmp_path, endpoint=written), Dialect(endpoint=how)) as hub:
            answer = get(hub, "/api/ai/models/m")
            assert answer.get("endpoint") == (endpoint and endpoint.replace("URL", hub.url))


def test_newer_schema_key_and_wrapped_detail(tmp_path: Path) -> None:
    with Hub(folder(tmp_path), Dialect(schema_key="request_schema", detail="wrapped")) as hub:
        answer = get(hub, "/api/ai/models/m")["data"]
    assert answer["request_schema"] == model()["json_request_schema"]
    assert "json_request_schema" not in answer


def test_older_hub_has_only_the_older_list(tmp_path: Path) -> None:
    old, bare = (Hub(folder(tmp_path), Dialect(lists=lists)) for lists in ("old", "old-bare"))
    with old, bare:
        assert "error" in get(old, "/api/ai/models")
        [item] = get(old, "/api/evaluations/models")["models"]
        assert get(bare, "/api/evaluations/models") == [item]
    assert (item["name"], item["can_run_inference"], item.get("id")) == ("m", True, None)


def test_bad_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model in this folder"):
        Hub(tmp_path)
    cases = {"{": "b.json: ", "{}": "b.json: a model has an id", '{"id": "m"}': "id 'm' is taken by .*json"}
    for text, message in cases.items():
        (folder(tmp_path) / "b.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            Hub(tmp_path)


def test_api_needs_a_bearer_token(hub: Hub) -> None:
    for path in ("/api/ai/models", "/api/evaluations/models", "/api/nope"):
        for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
            answer = httpx.get(hub.url + path, headers=headers, trust_env=False)
            assert (answer.status_code, answer.json()["error"]["type"]) == (401, "unauthenticated")


def test_error_envelopes(tmp_path: Path, hub: Hub, api: httpx.Client) -> None:
    full = get(hub, "/api/ai/models/nope")
    assert full["error"]["detail"] == "Model not found: nope"
    assert full["status_message"] == full["error"]["type"] == "resource_not_found"
    with Hub(folder(tmp_path), Dialect(errors="message")) as other:
        assert get(other, "/api/ai/models/nope") == {"error": {"message": "Model not found: nope"}}
    missing, wrong = api.get("/api/ai/nope"), api.get(EDIT)
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "resource_not_found")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"model": NaN}', b"\xff", b"[" * 100_000])
def test_body_must_be_a_json_object(api: httpx.Client, content: bytes) -> None:
    assert api.post(EDIT, content=content).status_code == 400


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"prompt": 5}, 422, "prompt: 5 is not of type 'string'"),
        ({"input_image": [URL, 5]}, 422, "input_image[1]: 5 is not of type 'string'"),
        ({"input_image": "x" * 10_000}, 422, "is not of type 'array'"),
        ({"aspect_ratio": "7:1"}, 422, "aspect_ratio: '7:1' is not one of"),
        ({"colour": "red"}, 422, "'colour' was unexpected"),
        ({"response_format": "mp3"}, 422, "response_format: 'mp3' is not one of"),
        ({"input_image": None}, 422, "'input_image' is a required property"),
        ({"model": None}, 422, "'model' is a required property"),
        ({"model": "nope"}, 404, "Model not found: nope"),
        ({"model": "bare"}, 400, "model: bare has no parameter schema"),
        ({"model": "film"}, 400, "model: film makes video, not image"),
    ],
)
def test_refusal_says_why(hub: Hub, api: httpx.Client, change: dict[str, Any], status: int, why: str) -> None:
    hub.add_model(model("bare", json_request_schema=None))
    hub.add_model(model("film", "video"))
    sent = {name: value for name, value in {**BODY, **change}.items() if value is not None}
    answer = api.post(EDIT, json=sent)
    assert answer.status_code == status
    assert why in answer.json()["error"]["detail"]
    assert len(answer.json()["error"]["detail"]) < 300


@pytest.mark.parametrize(
    "rule", ["type: nonsense", "minimum: a", "pattern: (", "$ref: #/no", "$ref: URL/x.json"]
)
def test_unusable_schema_checks_nothing(hub: Hub, api: httpx.Client, uncalled: str, rule: str) -> None:
    key, value = rule.replace("URL", uncalled).split(": ")
    hub.add_model(model(json_request_schema={"properties": {"prompt": {key: value}}}))
    assert api.post(EDIT, json={"model": "m", "prompt": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("why", "broken"),
    [
        ("without a comma", "data:image/png;base64"),
        ("not valid base64", "data:image/png;base64,@@@@"),
        ("not an image", "data:image/png;base64,AAAA"),
        ("not an image", data_uri(Image.new("RGB", (100, 100), "red"))[:-60]),
        ("more than 50 megapixels", data_uri(Image.new("1", (8000, 8000)))),
        ("larger than 25 MB", "data:image/png;base64," + "A" * (35 * 1024 * 1024)),
        ("neither an http(s) URL", "file:///etc/passwd"),
    ],
    ids=lambda text: text[:25],
)
def test_broken_input_file(api: httpx.Client, why: str, broken: str) -> None:
    answer = api.post(EDIT, json={**BODY, "input_image": [URL, broken]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_file_input")
    assert answer.json()["error"]["detail"].startswith("input_image: ")
    assert why in answer.json()["error"]["detail"]


def test_edit_puts_a_hat_on_the_picture_that_was_sent(api: httpx.Client) -> None:
    green = (10, 200, 30)
    sent = data_uri(Image.new("RGB", (40, 40), green))
    answer = api.post(EDIT, json={**BODY, "input_image": [sent], "aspect_ratio": "1:1"}).json()
    assert answer["model"] == "qwen-image-edit-plus"
    assert abs(answer["created"] - time.time()) < 60
    file = httpx.get(answer["images"][0]["url"], trust_env=False)
    assert file.headers["content-type"] == "image/png"
    assert int(file.headers["content-length"]) == len(file.content)
    edited = Image.open(io.BytesIO(file.content))
    assert edited.getpixel((edited.width // 2, edited.height - 1)) == green
    assert len(edited.getcolors() or []) > 1


def test_web_address_is_never_fetched(api: httpx.Client, uncalled: str) -> None:
    picture = Image.open(io.BytesIO(result(api, {**BODY, "input_image": [f"{uncalled}/dog.png"]})))
    assert (picture.format, picture.width * 9) == ("PNG", picture.height * 16)


def test_format_and_shape(api: httpx.Client) -> None:
    asked = {"output_format": "jpg", "aspect_ratio": "3:4"}
    picture = Image.open(io.BytesIO(result(api, {**BODY, **asked})))
    assert (picture.format, picture.width * 4) == ("JPEG", picture.height * 3)


def test_same_request_same_bytes_in_either_response_format(api: httpx.Client) -> None:
    first = result(api, BODY)
    [inline] = api.post(EDIT, json={**BODY, "response_format": "b64_json"}).json()["images"]
    assert inline == {"b64_json": base64.b64encode(first).decode()}
    assert result(api, {**BODY, "prompt": "Another hat"}) != first


def test_num_images(hub: Hub, api: httpx.Client) -> None:
    shape = {"type": "object", "properties": {"prompt": {}, "num_images": {"type": "integer"}}}
    hub.add_model(model(json_request_schema=shape))
    body = {"model": "m", "prompt": "data: an ox", "num_images": 3}
    images = api.post("/api/ai/images/generate", json=body).json()["images"]
    assert len({image["url"] for image in images}) == 3


def test_video_is_an_mp4_whose_samples_are_where_it_says(hub: Hub, api: httpx.Client) -> None:
    hub.add_model(model("film", "video"))
    content = result(api, {"model": "film", "prompt": "ox"}, "/api/ai/videos/generate", "videos")
    sizes = struct.unpack_from(">4I", content, content.index(b"stsz") + 16)
    [at] = struct.unpack_from(">I", content, content.index(b"stco") + 12)
    assert (content[4:8], content[at - 4 : at]) == (b"ftyp", b"mdat")
    for size in sizes:
        assert struct.unpack_from(">I", content, at) == (size - 4,)
        at += size
    assert at == len(content)


def test_audio_is_a_wav_by_either_path(api: httpx.Client) -> None:
    body = {"model": "bytedance-seed-audio-1-0", "prompt": "moo"}
    content = result(api, body, "/api/ai/audio/speech", "audios")
    assert result(api, body, "/api/ai/audio/generate", "audios") == content
    with wave.open(io.BytesIO(content)) as sound:
        assert sound.getnframes() / sound.getframerate() == 0.5
        assert any(sound.readframes(1000))


def test_requests_are_noted(hub: Hub, api: httpx.Client) -> None:
    api.post(f"{EDIT}?page=1", json=BODY)
    httpx.get(f"{hub.url}/nope%20here", trust_env=False)
    posted, got = hub.requests
    assert (posted.method, posted.path, posted.body) == ("POST", EDIT, BODY)
    assert posted.headers["authorization"] == "Bearer key"
    assert (got.method, got.path, got.body) == ("GET", "/nope here", None)


def test_faults_on_demand(hub: Hub, api: httpx.Client) -> None:
    hub.respond_next(429, headers={"Retry-After": "7"}, times=2, method="post", path=EDIT)
    hub.respond_next(502, body="<h1>Bad gateway</h1>", path="/api/ai/models")
    hub.respond_next(200, body={"error": "sorry"})
    limited = [api.post(EDIT, json=BODY) for _ in range(2)]
    assert [(each.status_code, each.headers["retry-after"]) for each in limited] == [(429, "7")] * 2
    proxy = api.get("/api/ai/models")
    assert (proxy.status_code, proxy.text) == (502, "<h1>Bad gateway</h1>")
    assert proxy.headers["content-type"].startswith("text/html")
    assert api.post(EDIT, json=BODY).json() == {"error": "sorry"}
    assert "images" in api.post(EDIT, json=BODY).json()


def test_generation_takes_its_seconds_and_a_stop_cuts_it_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Hub(folder(tmp_path), generation_time=3600) as hub:
        connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=0.3)
        connection.request("POST", EDIT, json.dumps({"model": "m", "prompt": "x"}), KEY)
        with pytest.raises(TimeoutError):
            connection.getresponse()
        assert stop_hub(hub)
    connection.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_hub_stops_with_a_connection_open(hub: Hub, api: httpx.Client) -> None:
    api.get("/api/ai/models")
    url = hub.url
    assert stop_hub(hub)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with pytest.raises(RuntimeError, match="not running"):
        print(hub.url)


def test_hubs_share_nothing_and_serve_many_threads(tmp_path: Path, hub: Hub, api: httpx.Client) -> None:
    bodies = [{**BODY, "prompt": str(number)} for number in range(24)]
    with Hub(folder(tmp_path)) as other, ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(partial(result, api), bodies))) > 1
        assert (len(hub.requests), other.requests) == (48, [])


@pytest.mark.parametrize("argv", ["--schemas /no/such/folder", "--port BUSY", "--dialect lists=none"])
def test_command_line_refuses_clearly(hub: Hub, capsys: pytest.CaptureFixture[str], argv: str) -> None:
    words = argv.replace("BUSY", hub.url.rpartition(":")[2]).split()
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert words[1].rpartition("=")[2] in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one child")
def test_command_line_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "oxen_models.testing", "--dialect", "detail=wrapped"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().partition(" at ")[2].partition(";")[0]
        answer = httpx.get(f"{url}/api/ai/models/qwen-image-edit-plus", headers=KEY, trust_env=False)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=20)[1]
    assert answer.json()["data"]["id"] == "qwen-image-edit-plus"
    assert (process.returncode, errors) == (0, "")


def test_missing_extra_says_what_to_install() -> None:
    code = "import sys; sys.modules['PIL'] = None; import oxen_models.testing"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.stderr.rstrip().endswith("pip install '.[testing]' in a clone")
