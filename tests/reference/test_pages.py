"""Tests of the pages of models, through `oxen-codegen docs` and the functions that it calls."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from helpers.codegen import run_codegen
from helpers.examples import extract_blocks
from helpers.models import make_model, object_schema
from helpers.reference import CONFIG, RECORDED_PAGES, TEMPLATES, convert
from jsonschema import Draft202012Validator
from oxen_codegen.describe import MAX_OPTIONS
from oxen_codegen.lock import exclusive_lock
from oxen_codegen.records import Removal, from_response
from oxen_codegen.reference import site
from oxen_codegen.reference.examples import render_examples
from oxen_codegen.reference.pages import ModelPage, build_pages
from oxen_codegen.reference.site import render_page
from oxen_codegen.reference.values import MAX_VALUES
from oxen_models import schema

from .attacks import ATTACK_SCHEMA, ATTACKS

GOLDEN = Path(__file__).parent / "golden" / "qwen-image-edit-plus.md"
PROGRAMS = re.compile(r'^=== "Blocking"\n.*?^(?=The examples have|## Fetch)', re.DOTALL | re.MULTILINE)
SAFE_LINKS = ("https://www.oxen.ai/ai/workbench?model=", "../workbench/app.html#model=", "#")


def build_page(model: dict[str, Any]) -> ModelPage:
    [page] = build_pages([from_response(model)], CONFIG)
    return page


def make_hostile_model(text: str) -> dict[str, Any]:
    """Return a model that has a text of an attacker wherever the API has one."""
    parameter = {"type": "string", "title": text, "description": text}
    schema = object_schema(
        "prompt",
        prompt={**parameter, "x-workbench-default": text or "x"},
        option={**parameter, "default": text, "enum": [text, f"{text}2"]},
        rival={"type": "string", "description": f"Excludes other {text}"},
        **{f"other {text}": {**parameter, "default": text}},
    )
    return make_model(
        f"m {text[:100]}",
        schema,
        display_name=text,
        summary=text,
        description=f"{text} again",
        developer={"name": text},
        released_at=text,
        source_model=text,
        capabilities={"input": ["text", text], "output": ["image", text]},
        pricing={"method": text, text: text},
        fine_tuning={"actions": [text]},
    )


class ElementCollector(HTMLParser):
    """Collects elements, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.links: list[str] = []
        self.blocks: list[str] = []
        self.text = ""
        self._is_in_block = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not (self._is_in_block and tag == "span"):  # the highlighting depends on the text
            self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag == "pre":
            self._is_in_block = True
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_block = self._is_in_block and tag != "pre"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_in_block:
            self.blocks[-1] += data


def render_html(markdown: str) -> ElementCollector:
    """Return the content of a page as the site shows it."""
    _, _, content = markdown.removeprefix("---\n").partition("\n---\n")
    collector = ElementCollector()
    collector.feed(convert(content))
    return collector


def render_facts(page: ModelPage) -> ElementCollector:
    """Return the content of a page without its programs."""
    text, number = PROGRAMS.subn("", render_page(page, TEMPLATES))
    assert number == 1
    return render_html(text)


@cache
def render_plain_facts(*, has_exclusion: bool) -> ElementCollector:
    """Return the content of a page with harmless texts, of which one may exclude a parameter."""
    assert PLAIN.values is not None
    omitted = PLAIN.values.omitted if has_exclusion else {}
    return render_facts(replace(PLAIN, values=replace(PLAIN.values, omitted=omitted)))


@cache
def render_hostile_facts(text: str) -> tuple[ElementCollector, ElementCollector]:
    """Return the content of a page with hostile texts, and what it is with harmless ones."""
    page = build_page(make_hostile_model(text))
    assert page.values is not None
    # The description of the excluding parameter ends with the first clause of the text.
    return render_facts(page), render_plain_facts(has_exclusion=bool(page.values.omitted))


PLAIN = build_page(make_hostile_model("plain text"))


def test_page_is_the_golden_one(request: pytest.FixtureRequest) -> None:
    """The page of the reference model is the committed one."""
    [page] = [page for page in RECORDED_PAGES if page.id == GOLDEN.stem]
    rendered = render_page(page, TEMPLATES)
    if request.config.getoption("--accept"):
        GOLDEN.write_text(rendered, encoding="utf-8")
    assert rendered == GOLDEN.read_text(encoding="utf-8"), f"to accept: pytest {Path(__file__).name} --accept"


@pytest.mark.slow
def test_command_writes_a_page_for_each_model(tmp_path: Path) -> None:
    """`docs` writes a page for each recorded model, and deletes the page of a model that is not recorded.

    The code blocks of each page are its programs and a last command.
    """
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "old.md").write_text("old")
    done = run_codegen("docs", "--output", tmp_path)
    assert done.exit_code == 0, done.output
    assert not (folder / "old.md").exists()
    assert len(RECORDED_PAGES) == 200
    for page in RECORDED_PAGES:
        programs = [(example.syntax, example.code) for example in render_examples(page, TEMPLATES)]
        text = (folder / f"{page.slug}.md").read_text(encoding="utf-8")
        [*blocks, (_, details)] = extract_blocks(text)
        assert blocks == programs, page.id
        assert details.endswith(page.details_url)


def test_command_without_models_keeps_pages(tmp_path: Path) -> None:
    """A folder without schemas, which may be a wrong one, is an error, and no page is deleted."""
    page = tmp_path / "models" / "old.md"
    page.parent.mkdir()
    page.write_text("old")
    done = run_codegen("docs", "--schemas", tmp_path, "--output", tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path}: no model schemas" in done.stderr
    assert page.exists()


def test_command_waits_for_the_lock_of_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Schemas are not read while another command may be replacing them."""
    monkeypatch.setattr(site, "READ_LOCK_TIMEOUT", 0)
    with exclusive_lock(tmp_path):
        done = run_codegen("docs", "--schemas", tmp_path, "--output", tmp_path / "pages")
    assert done.exit_code == 2
    assert f"{tmp_path} is locked by another oxen-codegen process" in done.stderr


@pytest.mark.slow
def test_values_are_accepted_by_the_schemas() -> None:
    """No program sends a value that the schema of its model rejects, as jsonschema validates it."""
    checked = 0
    for page in RECORDED_PAGES:
        for _, values in page.values.list_levels() if page.values else ():
            validator: Any = Draft202012Validator(schema(page.id))
            validator.validate(values)
            checked += 1
    assert checked > 300


def test_programs_have_every_parameter_or_a_reason() -> None:
    """The programs have all parameters but those for whose absence the page has a reason."""
    for page in RECORDED_PAGES:
        if page.values is not None:
            named = {*page.values.complete, *page.values.omitted}
            assert named == {parameter.wire_name for parameter in page.parameters}, page.id
            assert {p.wire_name for p in page.parameters if p.is_required} == page.values.minimal.keys()


def test_levels_with_the_same_parameters_are_omitted() -> None:
    """The levels of a model differ from each other."""
    for page in RECORDED_PAGES:
        levels = [values for _, values in page.values.list_levels()] if page.values else []
        assert all(levels.count(values) == 1 for values in levels), page.id


ENDLESS: dict[str, dict[str, Any]] = {
    "list": {"type": "array", "items": {"type": "string"}, "minItems": 10**12},
    "lists": {
        "type": "array",
        "minItems": 500,
        "items": {"type": "array", "minItems": 500, "items": {"type": "array", "minItems": 500}},
    },
    "text": {"type": "string", "minLength": 10**12},
}


@pytest.mark.parametrize("form", ENDLESS)
def test_parameter_without_short_value_is_omitted(form: str) -> None:
    """A parameter whose values are too long for a page has a reason; a model that requires it no programs."""
    page = build_page(make_model(schema=object_schema(p=ENDLESS[form], q={"type": "string"})))
    text = render_page(page, TEMPLATES)
    assert "- `p`: no example of its value is known." in text
    assert "## Examples" in text
    page = build_page(make_model(schema=object_schema("p", p=ENDLESS[form])))
    text = render_page(page, TEMPLATES)
    assert "## Examples" not in text
    assert "oxen.images.m.generate" in text


def test_long_example_is_not_shown() -> None:
    """An example of the API that is too long for a page is replaced by a short one."""
    p = {"type": "array", "items": {"type": "integer"}, "x-workbench-default": [0] * (MAX_VALUES + 1)}
    page = build_page(make_model(schema=object_schema("p", p=p)))
    assert page.values is not None
    assert page.values.minimal == {"p": [1]}


OPTIONS = ["a", True, None, 1.5, "`"]


@pytest.mark.parametrize("kind", ["values", "items"])
def test_options_are_json_and_limited(kind: str) -> None:
    """Options of values and of items are written as JSON, and long lists are truncated."""
    few: dict[str, Any] = {"enum": OPTIONS}
    many: dict[str, Any] = {"enum": [*range(MAX_OPTIONS + 5)]}
    if kind == "items":
        few, many = ({"type": "array", "items": schema} for schema in (few, many))
    text = render_page(build_page(make_model(schema=object_schema(few=few, many=many))), TEMPLATES)
    each = "each: " if kind == "items" else ""
    assert f'| {each}`"a"`, `true`, `null`, `1.5`, <code>&#34;&#96;&#34;</code> |' in text
    assert f"`{MAX_OPTIONS - 1}` and 5 more |" in text


@pytest.mark.slow
def test_excluded_parameters_are_not_sent_together() -> None:
    """A program does not send a parameter that excludes another one, and the page has the reason."""
    [page] = [page for page in RECORDED_PAGES if page.id == "minimax-h3"]
    assert page.values is not None
    assert {"input_image", "tail_image_url"} <= page.values.complete.keys()
    assert page.values.omitted.keys() == {"input_images", "input_videos", "input_audios"}
    assert "`input_videos`: it excludes `input_image`" in render_page(page, TEMPLATES)


def test_facts_are_those_of_the_record() -> None:
    """The page has the values of the record in words, and no label for a value that the record lacks."""
    rich = make_model(
        display_name="Ox 1",
        context_length=1_000_000,
        released_at="2026-10-01",
        pricing={"method": "per_image", "cost_per_image": 0.01},
        capabilities={"input": ["text"], "output": ["image"]},
    )
    text = render_page(build_page(rich), TEMPLATES)
    for fact in ("| Context length | 1,000,000 tokens |", "| Released | 2026-10-01 |", "$0.01 per image"):
        assert fact in text
    text = render_page(build_page(make_model()), TEMPLATES)
    for label in ("Context length", "Released", "Price", "Developer", "| Input", "| Output", "| None"):
        assert label not in text


def test_billed_parameter_has_a_warning() -> None:
    """A parameter whose results are billed and not returned has a warning."""
    [page] = [page for page in RECORDED_PAGES if page.id == "qwen-image-3"]
    assert "`num_images`: every result is billed, and only the first is returned." in render_page(
        page, TEMPLATES
    )


CITATIONS = {
    "marked by the API": (
        "flux-2-flex",
        ["`@Image1` is the first item of `input_image`, `@Image2` the second"],
    ),
    "in the description of the parameter": (
        "wan-v2-6-reference-to-video",
        ["`@Video1` is the first item of `input_videos`"],
    ),
    "in the description of the prompt": (
        "qwen-image-2-pro",
        ["`@Image1` is the first item of `input_images`"],
    ),
    "of two lists": (
        "bytedance-seedance-2-0-reference-to-video",
        ["`@Image1` is the first item of `input_face_images` and `input_images`", "of `input_audios`"],
    ),
    "of objects": ("kling-video-o3-omni", ["`@Element1` is the first item of `elements`"]),
    "with a space": ("wan-v3-0-video", ["`@Image 1` is the first item of `input_images`, `@Image 2`"]),
}


@pytest.mark.parametrize(("id", "sentences"), CITATIONS.values(), ids=CITATIONS)
def test_citations_name_their_parameters(id: str, sentences: list[str]) -> None:
    """The page names the parameter with the media that the prompt cites by position."""
    [page] = [page for page in RECORDED_PAGES if page.id == id]
    text = render_page(page, TEMPLATES)
    assert all(sentence in text for sentence in sentences)


def test_hidden_parameters_are_the_last() -> None:
    """Hidden parameters stand in the last table."""
    schema = object_schema(
        "a", a={"type": "string"}, b={"type": "string", "x-hidden": True, "x-order": 1}, c={"type": "string"}
    )
    page = build_page(make_model(schema=schema))
    text = render_page(page, TEMPLATES)
    assert [parameter.name for parameter in page.parameters] == ["a", "c", "b"]
    assert text.index("### Optional parameters") < text.index("| `c` |") < text.index("### Hidden parameters")
    assert text.index("### Hidden parameters") < text.index("| `b` |")


def test_hidden_parameter_may_be_a_reference() -> None:
    """A parameter is hidden wherever its schema stands, and the schema may have no properties at all."""
    hidden = {"$defs": {"h": {"type": "string", "x-hidden": True}}}
    alternative: dict[str, Any] = {"anyOf": [{"$ref": "#/$defs/h"}, {"type": "null"}]}
    for root in (object_schema(p=alternative), {"allOf": [object_schema(p=alternative)]}):
        [parameter] = build_page(make_model(schema={**root, **hidden})).parameters
        assert parameter.is_hidden
    [parameter] = build_page(make_model(schema={"properties": None, "required": ["p"]})).parameters
    assert not parameter.is_hidden


def test_removed_model_has_no_programs() -> None:
    """The page of a removed model names its successor and has no programs."""
    removal = Removal("2026-11-01", "0.2.0", "n")
    record = from_response(make_model()).mark_removed(removal)
    [page] = build_pages([record], CONFIG)
    text = render_page(page, TEMPLATES)
    assert "removed this model on 2026-11-01" in text
    assert "Use `n` instead" in text
    assert "## Examples" not in text


@pytest.mark.parametrize(
    "id",
    ["../../x", "/etc/passwd", "CON", "index", "a/b", "a b", "x" * 140, "名", "A", "-", ".hidden", "a\0b"],
)
def test_page_of_any_id_has_a_safe_name(id: str) -> None:
    """The file of a page has a short name of lower-case letters, digits, `.`, `_` and `-`."""
    slug = build_page(make_model(id)).slug
    assert slug.strip("abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
    assert not slug.startswith(".")
    assert slug not in ("index", "con")
    assert len(slug) < 120


def test_pages_of_similar_ids_have_different_names() -> None:
    """Ids that differ in case or punctuation have pages of their own, and the plain id keeps its name."""
    ids = ["A-B", "a-b", "a b", "a/b", "a-b.", "É", "é"]
    pages = build_pages([from_response(make_model(id)) for id in ids], CONFIG)
    slugs = {page.id: page.slug for page in pages}
    assert len({*slugs.values()}) == len(ids)
    assert slugs["a-b"] == "a-b"


def test_hostile_model_excludes_a_parameter() -> None:
    """The reason for which a program lacks a parameter has a name with a hostile text."""
    text = ATTACKS["element"]
    page = build_page(make_hostile_model(text))
    assert page.values is not None
    assert page.values.omitted == {"rival": f"other {text}"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_of_the_api_stays_text(attack: str) -> None:
    """A text of the API adds no element, attribute or link to a page."""
    text = ATTACKS[attack]
    shown, expected = render_hostile_facts(text)
    assert {*shown.attributes} <= {*expected.attributes}
    assert all(link.startswith(SAFE_LINKS) for link in shown.links), shown.links
    if text.strip():
        assert Counter(shown.tags) == Counter(expected.tags)


@pytest.mark.parametrize("attack", ["element", "emphasis", "cell", "attributes", "entity", "shell", "list"])
def test_text_of_the_api_is_shown_literally(attack: str) -> None:
    """Title, descriptions and options show the text of the API, with its white space as single spaces."""
    text = " ".join(ATTACKS[attack].split())
    shown, expected = render_hostile_facts(text)
    assert shown.text.count(text) == expected.text.count("plain text")


@pytest.mark.slow
def test_programs_with_any_text_stay_programs() -> None:
    """Whatever text the API has, a browser shows each program as it is."""
    page = build_page(make_model("a'b", ATTACK_SCHEMA))
    shown = render_html(render_page(page, TEMPLATES))
    programs = [example.code for example in render_examples(page, TEMPLATES)]
    assert [block.rstrip("\n") for block in shown.blocks[:-1]] == programs
    assert all(link.startswith(SAFE_LINKS) for link in shown.links)
    assert not {"script", "img", "b"} & {*shown.tags}
