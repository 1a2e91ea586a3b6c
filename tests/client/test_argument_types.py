"""Arguments of another type: they are rejected with their name, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import oxen_models as ox
import pytest
from helpers.media_inputs import HAT
from oxen_models import ConfigurationError, InvalidRequestError, catalog, compare, tables
from oxen_models.images import QwenImageEditPlusRequest

REQUEST = QwenImageEditPlusRequest(**HAT)
MODELS = ["qwen-image"]
FLAGS = ("typed", "resend_unknown", "reconcile", "sidecar", "progress", "cancel_on_timeout")


@pytest.fixture
def oxen() -> Iterator[ox.Oxen]:
    """A client without a server."""
    with ox.Oxen("key", base_url="http://127.0.0.1:1", max_retries=0) as client:
        yield client


def run_table(oxen: ox.Oxen, **options: Any) -> object:
    """Run the rows of a table, of which there are none."""
    arguments: dict[str, Any] = {"client": oxen, "model": "qwen-image", **options}
    return tables.run([], {"prompt": "prompt"}, print, **arguments)


USES: dict[str, tuple[str, Callable[[Any, dict[str, Any]], object]]] = {
    "catalog": (
        "task accepts developer search family verb input output typed max_price",
        lambda oxen, given: catalog.models(**given),
    ),
    "requests": ("requests", lambda oxen, given: oxen.run_many(**given)),
    "run_many": (
        "key resend_unknown reconcile progress timeout",
        lambda oxen, given: oxen.run_many([], journal="unused.journal", **given),
    ),
    "table": ("key model prefix sidecar progress timeout", lambda oxen, given: run_table(oxen, **given)),
    "compare": ("models", lambda oxen, given: oxen.compare(prompt="x", **given)),
    "progress": ("progress", lambda oxen, given: oxen.compare(MODELS, prompt="x", **given)),
    "plan": ("models", lambda oxen, given: compare.plan(prompt="x", **given)),
    "adapt": ("parameters", lambda oxen, given: compare.adapt("qwen-image", **given)),
    "jobs": ("model namespace repo folder", lambda oxen, given: oxen.jobs(**given)),
    "generations": ("model", lambda oxen, given: oxen.generations(**given)),
    "costs": ("model namespace", lambda oxen, given: oxen.costs(**given)),
    "result": ("on_status cancel_on_timeout", lambda oxen, given: oxen.job("x").result(**given)),
    "wait": ("on_status cancel_on_timeout", lambda oxen, given: oxen.job("x").wait(**given)),
    "search": ("text", lambda oxen, given: oxen.models.search(**given)),
    "list": ("developer provider action", lambda oxen, given: oxen.models.list(**given)),
}


@pytest.mark.parametrize(("use", "name"), [(use, name) for use in USES for name in USES[use][0].split()])
def test_argument_of_another_type_is_rejected(oxen: ox.Oxen, use: str, name: str) -> None:
    """An argument whose type has no meaning is an error with its name, also if it is truthy or a number."""
    values = [object(), 2.5, "yes"] if name in FLAGS else [object(), 2.5j, "\ud800"]
    for value in values:
        with pytest.raises(ConfigurationError, match=f"^{name} must be "):
            USES[use][1](oxen, {name: value})


def test_single_request_is_no_list_of_requests(oxen: ox.Oxen) -> None:
    """A request in place of requests is an error, although it can be iterated over, and so is an id."""
    request: Any = REQUEST
    with pytest.raises(ConfigurationError, match="requests must be a list"):
        oxen.run_many(request)
    with pytest.raises(ConfigurationError, match="models must be a list"):
        oxen.compare("qwen-image", prompt="x")


@pytest.mark.parametrize("value", [5, "x", [("seed", 1)], iter([])], ids="int str pairs iterator".split())
def test_extra_body_must_be_a_mapping(oxen: ox.Oxen, value: Any) -> None:
    """No call accepts additional properties in another form."""
    calls: list[Callable[[], object]] = [
        lambda: oxen.run(REQUEST, extra_body=value),
        lambda: oxen.submit(REQUEST, extra_body=value),
        lambda: oxen.model("qwen-image").generate(prompt="x", extra_body=value),
        lambda: oxen.chat.complete(model="m", messages=[{"role": "user", "content": "x"}], extra_body=value),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError, match=r"extra_body.* must be a mapping"):
            call()
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        oxen.run(REQUEST, extra_headers=value)
    with pytest.raises(TypeError, match="body must be a mapping"):
        QwenImageEditPlusRequest.from_body(value)


@pytest.mark.parametrize("key", [1, None, True], ids=str)
def test_extra_body_must_have_strings_as_keys(oxen: ox.Oxen, key: Any) -> None:
    """Another key would be sent as a text that the caller did not write."""
    with pytest.raises(InvalidRequestError, match=f"must have strings as keys, got the key {key}"):
        oxen.run(REQUEST, extra_body={"a": 1, key: 2})


def test_iterator_of_names_filters_models() -> None:
    """The names of parameters may come from an iterator, of which every model is compared with all names."""
    names = ["prompt", "seed"]
    found = catalog.models(accepts=iter(names))
    assert list(found) == list(catalog.models(accepts=names))
    assert 0 < len(found) < len(catalog.models())


@pytest.mark.parametrize("id", [5, None, b"qwen-image", ["qwen-image"]], ids=str)
def test_id_of_another_type_is_unknown(id: Any) -> None:
    """A value that is no id is a key that does not exist."""
    for find in (catalog.get, ox.schema):
        with pytest.raises(KeyError, match="no model"):
            find(id)
