"""Use an attacked package as a program would: import it, read its documentation, make calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from helpers.raw_server import RawServer, Response

from codegen.hostile.attacks import Done

_SCRIPT = """
import inspect, json, pydoc, typing
from oxen_models import InvalidRequestError, Oxen, catalog, images
def document(documented):
    if not inspect.isclass(documented):
        return pydoc.render_doc(documented)
    inspect.getdoc(documented), inspect.signature(documented)
    for name in vars(documented):  # inherited members are of the runtime
        member = getattr(documented, name, None)
        if inspect.isfunction(member):
            pydoc.render_doc(member)
for name in images.__all__:
    document(getattr(images, name))
oxen = Oxen("any", base_url={url!r})
wire_names = {{}}
for model in catalog.models(typed=True):
    stub = getattr(getattr(oxen, model.family), model.module.rpartition(".")[2])
    call = getattr(stub, model.verb)
    module = inspect.getmodule(type(stub))
    request = getattr(module, type(stub).__name__ + "Request")
    document(type(stub))
    document(request)
    typing.get_type_hints(call, vars(module))
    wire_names[model.id] = [
        name if field.alias is None else field.alias for name, field in request.model_fields.items()
    ]
    for arguments in ({{}}, {{"prompt": "x"}}, dict.fromkeys(request.model_fields, "x")):
        try:
            call(**arguments)
        except (InvalidRequestError, TypeError) as error:
            repr(error), str(error)
print(json.dumps(wire_names))
"""


def use_package(guarded: Callable[..., Done], server: RawServer, models: Iterable[Any]) -> None:
    """Use every model of the package, and check that the package has these models and their parameters."""
    image = {"images": [{"url": f"{server.url}/a.png"}]}
    server.responses = {"/api/ai/images/generate": [Response(body=image)]}
    done = guarded("script", _SCRIPT.format(url=server.url))
    assert done.code == 0, done.stderr
    wire_names = json.loads(done.stdout)
    expected = {model["id"]: model for model in models}
    assert wire_names.keys() == expected.keys()
    for model_id, model in expected.items():
        properties = model["json_request_schema"].get("properties", {})
        assert properties.keys() <= {*wire_names[model_id], "model"}, model_id
