"""Programs that send a planned request: for `--dry-run`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pprint import pformat
from typing import Any

from oxen_models._runner.requests import describe_estimate
from oxen_models._runner.runner import Plan
from oxen_models._runtime.fields import map_wire_names
from oxen_models._runtime.request import Request

from .output import write_json

_WIDTH = 88


def write_program(
    format: str, plan: Plan, values: Mapping[str, Any], url: str, body: Mapping[str, Any]
) -> str:
    """Return a program, or the request as JSON.

    Args:
        format: json, curl, python or httpx.
        plan: The request.
        values: Its parameters as the user gave them: files by their path.
        url: The URL of the queue.
        body: The JSON that is sent there.
    """
    match format:
        case "curl":
            return _write_curl(url, body)
        case "httpx":
            return _write_httpx(url, body)
        case "python":
            return _write_python(plan, values)
        case _:
            estimate = describe_estimate(plan.estimate)
            return write_json({"method": "POST", "url": url, "body": body, "estimate": estimate}, indent=2)


def _write_curl(url: str, body: Mapping[str, Any]) -> str:
    # A file may make the body larger than an argument may be.
    text = json.dumps(body, indent=2)
    return (
        f"curl -sS --fail-with-body -X POST {shlex.quote(url)} \\\n"
        '  -H "Authorization: Bearer $OXEN_API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  --data-binary @- <<'JSON'\n{text}\nJSON"
    )


def _write_httpx(url: str, body: Mapping[str, Any]) -> str:
    return (
        "import os\n\nimport httpx\n\n"
        "response = httpx.post(\n"
        f"    {url!r},\n"
        '    headers={"Authorization": f"Bearer {os.environ[\'OXEN_API_KEY\']}"},\n'
        f"    json={_write_literal(body, 9)},\n"
        "    timeout=300,\n"
        ")\n"
        "if response.is_error:\n"
        "    raise SystemExit(response.text)\n"
        'for job in response.json()["generations"]:\n'
        '    print(job["generation_id"])'
    )


def _write_python(plan: Plan, values: Mapping[str, Any]) -> str:
    """Return a program with the bindings: a typed call where the package has one."""
    id, extra = plan.model.id, dict(plan.extra_body or {})
    imports, lines = ["from oxen_models import Oxen"], ["oxen = Oxen()"]
    names = map_wire_names(type(plan.request)) if isinstance(plan.request, Request) else {}
    arguments = {names.get(name, name): value for name, value in values.items()}
    if names and plan.count == 1:
        module = _find_module(plan)
        if extra:
            arguments["extra_body"] = extra
        call = f"oxen.{module}.submit({_write_arguments(arguments)})"
        lines += [f"job = {call}", "for file in job.result():", '    print(file.save("."))']
    else:
        if names:
            imports = ["from oxen_models import Oxen, catalog"]
            request = f"catalog.get({id!r}).request({_write_arguments(arguments)})"
        else:
            request = f"oxen.model({id!r}).request({_write_literal(values, 4)})"
        lines += [f"request = {request}"]
        options = [f"num_generations={plan.count}", *([f"extra_body={extra!r}"] if extra else [])]
        lines += [f"jobs = oxen.submit(request, {', '.join(options)})", "for job in jobs:"]
        lines += ["    for file in job.result():", '        print(file.save("."))']
    return "\n".join([*imports, "", *lines])


def _find_module(plan: Plan) -> str:
    """Return the attribute of the client with the calls of a model, such as `images.qwen_image`."""
    return type(plan.request).__module__.partition(".")[2]


def _write_arguments(arguments: Mapping[str, Any]) -> str:
    lines = [f"    {name}={_write_literal(value, len(name) + 5)}," for name, value in arguments.items()]
    return "\n" + "\n".join(lines) + "\n"


def _write_literal(value: object, indent: int) -> str:
    """Return a literal; further lines are indented."""
    text = pformat(value, width=max(_WIDTH - indent, 20), sort_dicts=False)
    return text.replace("\n", "\n" + " " * indent)
