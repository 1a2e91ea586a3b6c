"""The page: its data, its size, its policy, and texts of the API that could end its elements."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from helpers.models import make_model, object_schema
from helpers.page_elements import Elements
from helpers.reference import CONFIG, RECORDED_PAGES, read_records
from oxen_codegen.bind import bind_model
from oxen_codegen.config import find_template_dir
from oxen_codegen.records import from_response
from oxen_codegen.resolve import resolve_model
from oxen_codegen.workbench.data import build_models, select_models
from oxen_codegen.workbench.page import write_json

from .conftest import PAGE, Workbench

MAX_SIZE = 37_500
"""Bytes of the page without its data."""
MAX_MODEL_SIZE = 200
"""Bytes of the data of a model."""
STRINGS: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "codegen" / "hostile" / "strings.json").read_text(encoding="utf-8")
)
ENDINGS = ("</script>", "<!--<script>", "<!--", "]]>", "&lt;", "\u2028\u2029", "\0\x7f", "\ud800", "🐂é")


@pytest.fixture(scope="module")
def elements() -> Elements:
    """The elements of the committed page."""
    return Elements(PAGE.read_text(encoding="utf-8"))


def test_page_is_small(workbench: Workbench, elements: Elements) -> None:
    """The page, and the data of a model, stay within their budgets, compressed as servers do."""
    [data] = [text for attributes, text in elements.select("script") if attributes.get("id") == "data"]
    page = PAGE.read_text(encoding="utf-8").replace(data, "")
    assert _compressed_size(page) <= MAX_SIZE
    assert _compressed_size(data) <= MAX_MODEL_SIZE * len(workbench.models)


def _compressed_size(text: str) -> int:
    return len(gzip.compress(text.encode(), 9))


def test_policy_allows_only_the_parts_of_the_page(elements: Elements) -> None:
    """The script and the style are allowed by their hashes; nothing else is loaded from another place."""
    [policy] = [
        attributes["content"]
        for attributes, _ in elements.select("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    [script] = [text for attributes, text in elements.select("script") if not attributes]
    [(_, style)] = elements.select("style")
    for directive, text in (("script-src", script), ("style-src", style)):
        assert directives[directive] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    assert not [tag for tag, attributes in elements.found if {"src", "srcdoc", "style"} & attributes.keys()]


@pytest.mark.slow
def test_data_are_restored(workbench: Workbench) -> None:
    """The page restores each model from the compact form."""
    resolved = [resolve_model(record, CONFIG.names, CONFIG.client) for record in read_records()]
    selected, notes = select_models(
        (model, bind_model(model, CONFIG.renamed.get(model.record.id, {})) if model.is_bound else None)
        for model in resolved
    )
    assert not notes
    assert workbench.data["models"] == build_models(selected)


def test_reference_links_to_each_form(workbench: Workbench) -> None:
    """The pages of the reference site link to forms that exist, and all forms are linked."""
    linked = {page.id: page.slug for page in RECORDED_PAGES if page.form_url}
    assert linked == {model["id"]: model["reference"] for model in workbench.data["models"]}


@pytest.mark.parametrize("text", [*ENDINGS, *STRINGS.values()])
def test_text_cannot_end_the_data(text: str) -> None:
    """Whatever the API sends stays a string in the element of the data."""
    value = {text: [text]}
    page = f'<script type="application/json">{write_json(value)}</script><p>after</p>'
    [(_, data)] = Elements(page).select("script")
    assert json.loads(data) == value
    assert data.isascii()


def test_large_numbers_leave_a_model_out() -> None:
    """A model with a number that JavaScript would round is not in the page, and a note states it."""
    schema = {"type": "object", "properties": {"seed": {"type": "integer", "maximum": 2**53}}}
    model = resolve_model(from_response(make_model("m", schema)), {})
    selected, [note] = select_models([(model, bind_model(model))])
    assert (selected, note.subject, note.severity) == ([], "m", "note")


def test_titles_in_alternatives_are_kept() -> None:
    """Parameters have the titles that are behind a reference or in an alternative."""
    target = object_schema(w={"type": "integer", "title": "Width in px"})
    reference = {"$ref": "#/$defs/size"}
    other = {"type": "string", "maxLength": 9}
    schema = object_schema(
        ref=reference,
        all={"allOf": [reference]},
        null={"oneOf": [{"type": "null"}, reference]},
        union={"anyOf": [other, reference, {"type": "null"}]},
        nested={"anyOf": [other, {"anyOf": [{"type": "integer"}, reference]}]},
        list={"anyOf": [{"type": "array", "items": reference}, other]},
    ) | {"$defs": {"size": target}}
    resolved = resolve_model(from_response(make_model("m", schema)), {})
    [model] = build_models([(resolved, bind_model(resolved))])
    built = model["schema"]["properties"]
    assert set(built) == {*schema["properties"]}
    for name, value in built.items():
        assert json.dumps(value).count('"title": "Width in px"') == 1, (name, value)


def test_no_template_contains_another() -> None:
    """The library that shortens the scripts does not know template literals inside of each other."""
    scripts = list((find_template_dir() / "workbench").glob("*.js"))
    nested = re.compile(r"`(?:\\.|[^`\\])*\$\{[^}`]*`")
    found = {file.name: nested.findall(file.read_text(encoding="utf-8")) for file in scripts}
    assert found
    assert not any(found.values()), found
