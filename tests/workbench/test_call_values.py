"""Values in the programs of the workbench: they are data, whatever texts they contain."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from shutil import which
from typing import Any

import click
import pytest
from click.testing import CliRunner
from oxen_codegen.normalize import normalize
from oxen_codegen.reference.source import write_arguments, write_python, write_shell_json
from oxen_codegen.workbench.schemas import build_schema
from oxen_models._cli.generate import run_command, submit_command
from oxen_models._cli.main import cli
from oxen_models._cli.model_commands import ModelCommand
from oxen_models._runner.models import RunnableModel, read_recorded

from .conftest import WRITE_CALL, Workbench
from .samples import TEXTS, URL, choose_json, choose_text, choose_values

TRANSPORTS = ("blocking", "queue", "events")
EDITOR = "qwen-image-edit-plus"
UNUSUAL_NAMES = (
    "x=1)\nimport os #",
    "__proto__",
    "constructor",
    "a b",
    "class",
    "$(touch hacked)",
    "«model»",
)
# Commands print their arguments or the body, each followed by a null byte.
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
OBJECT: dict[str, Any] = {"type": "object", "properties": {"x": {}}}
OBJECTS = {"type": "array", "items": OBJECT}
UNUSUAL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["output", "e_f"],
    "basic": ["a_b"],
    "properties": {
        "a-b": TEXT,
        "a_b": TEXT,
        "bright": {"type": "boolean"},
        "no_bright": TEXT,
        "c-d": {**TEXT, "x-hidden": True},
        "c_d": TEXT,
        "e-f": TEXT,
        "e_f": TEXT,
        "output": TEXT,
        "Out": {"type": "boolean", "nullable": True},
        "timeout": {**NUMBER, "default": "auto"},
        "param_output": {"type": "boolean", "default": "auto"},
        "ratio": {"type": ["integer", "string"]},
        "any": {},
        "mode": {"enum": [1, "1", "a", True, None]},
        "name": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": TEXT},
        "words": {"type": ["array", "string"], "items": TEXT},
        "numbers": {"type": "array", "items": {"type": ["integer", "null"]}},
        "lists": {"type": "array", "items": {"type": "array", "items": NUMBER}},
        "parts": {**OBJECTS, "nullable": True},
        "size": OBJECT,
        "switch": {"type": ["string", "boolean"]},
        "shape": {"type": ["string", "object"], "properties": {}},
        "images": {"type": "array", "items": {**TEXT, "format": "uri"}},
        "image_url": {**TEXT, "format": "uri"},
    },
}
UNUSUAL_VALUES: list[dict[str, Any]] = [
    {"bright": False, "no_bright": "x", "output": "a", "Out": True, "timeout": 5, "param_output": True},
    {"name": "null", "words": "null", "tags": ["null"], "numbers": [None]},
    {"tags": ["[1]"], "words": ["a"], "switch": "true", "ratio": "5", "mode": "1"},
    {"tags": ["a", "[1]"], "words": "[1]", "switch": True, "ratio": "auto", "mode": 1},
    {"tags": [], "words": [], "shape": "-", "name": "-", "image_url": "-", "images": ["-", "[]"]},
    {"bright": None, "no_bright": 5, "output": None, "images": "a", "size": "x", "lists": [[1], []]},
]
STUBS = """\
exec 9>&1
sleep() { :; }
jq() { :; }
curl() { for word; do [ "$before" = -d ] && printf '%s\\0' "$word" >&9; before=$word; done; before=; }
oxen-models() { printf '%s\\0' "$@"; }
"""


def write_programs(
    workbench: Workbench, cases: Iterable[tuple[str, dict[str, Any]]], language: str
) -> list[str]:
    """Return a program of each case; the transports differ from case to case."""
    return workbench.call_each(
        WRITE_CALL,
        [
            (id, values, language, TRANSPORTS[number % len(TRANSPORTS)])
            for number, (id, values) in enumerate(cases)
        ],
    )


def sample_cases(workbench: Workbench, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Return values for each model."""
    random = Random(seed)
    return [(id, choose_values(model["schema"], random)) for id, model in workbench.models.items()]


def run_shell(program: str, folder: Path, shell: str = "bash") -> list[str]:
    """Run a program, and return the texts that it prints, each of which ends with a null byte."""
    done = subprocess.run([shell, "-c", program], cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(folder.iterdir()) == []
    return done.stdout.decode().split("\0")[:-1]


def find_call(program: str, name: str) -> ast.Call:
    """Return the call of a method with this name."""
    [call] = [
        node
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]
    return call


def read_literal(node: ast.expr) -> Any:
    """Return the value of a literal; a `Path` is that of its text."""
    match node:
        case ast.Call(func=ast.Name("Path"), args=[ast.Constant(str(path))]):
            return Path(path)
        case ast.List(items):
            return [read_literal(item) for item in items]
        case _:
            return ast.literal_eval(node)


def read_arguments(call: ast.Call) -> dict[str, Any]:
    """Return the arguments of a call, also those in a dictionary behind `**`."""
    arguments: dict[str, Any] = {}
    for keyword in call.keywords:
        value = read_literal(keyword.value)
        arguments |= value if keyword.arg is None else {keyword.arg: value}
    return arguments


def read_body(program: str) -> Any:
    """Return the JSON that a program sends by httpx."""
    [body] = [keyword.value for keyword in find_call(program, "post").keywords if keyword.arg == "json"]
    return read_literal(body)


@pytest.mark.slow
def test_literals_equal_those_of_pages(workbench: Workbench) -> None:
    """JSON values are written as the generator writes them, and evaluate to themselves."""
    random = Random(7)
    values = [*TEXTS, *(choose_json(random) for _ in range(300))]
    function = """(value) => [
        literals.writePython(value, 4, 7),
        literals.writeArguments([["name", value]], 8),
        literals.writeShellJson(value),
    ]"""
    for value, found in zip(
        values, workbench.call_each(function, [[value] for value in values]), strict=True
    ):
        python, arguments, shell = found
        exact = json.loads(json.dumps(value), parse_float=read_number)
        assert ast.literal_eval(python) == value
        assert python == write_python(exact, 4, 7)
        assert arguments == write_arguments({"name": exact}, 8)
        assert shell == write_shell_json(exact)


def test_invisible_characters_are_escaped(workbench: Workbench) -> None:
    """A reader sees each character of a value, also those that are no text in Unicode."""
    function = "(value) => [literals.writePython(value), literals.writeShellJson(value)]"
    texts = ["a\0b", "\ud800", "\udfff\ud800", "\U000e0041", "\U000e0100", "\ufdd0", "\ue000"]
    for text, written in zip(texts, workbench.call_each(function, [[text] for text in texts]), strict=True):
        python, shell = written
        assert (ast.literal_eval(python), json.loads(shell[1:-1])) == (text, text)
        assert (python + shell).isascii()
    assert workbench.call_each(function, [["🐂 é"]]) == [['"🐂 é"', "'\"🐂 é\"'"]]


def read_number(text: str) -> float:
    """Return an integer for a number that JavaScript writes without an exponent."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


@pytest.mark.slow
@pytest.mark.parametrize("language", ["python", "python_async", "httpx"])
def test_python_programs_hold_the_values(workbench: Workbench, language: str) -> None:
    """The values in a Python program are those of the form."""
    cases = sample_cases(workbench, 8)
    for number, (case, program) in enumerate(
        zip(cases, write_programs(workbench, cases, language), strict=True)
    ):
        id, values = case
        transport, model = TRANSPORTS[number % 3], workbench.models[id]
        if language == "httpx":
            assert read_body(program) == {"model": id, **values}
        else:
            call = find_call(program, model["verb"] if transport == "blocking" else "submit")
            names = {name: model["names"].get(name, name) for name in values}
            assert read_arguments(call) == {names[name]: value for name, value in values.items()}


def test_unknown_parameters_are_no_code(workbench: Workbench) -> None:
    """Names that no parameter has, as in the address of the page, are data as well."""
    values = {"prompt": "An ox", **{name: number for number, name in enumerate(UNUSUAL_NAMES)}}
    python, httpx, command = workbench.call_each(
        WRITE_CALL, [(EDITOR, values, language, "blocking") for language in ("python", "httpx", "command")]
    )
    assert read_arguments(find_call(python, "edit")) == values
    assert read_body(httpx) == {"model": EDITOR, **values}
    comment, _, rest = command.partition("\n")
    assert comment.startswith("# The command line cannot pass the value of a parameter, ")
    assert rest == f"oxen-models run {EDITOR} \\\n  --prompt 'An ox'"


def test_paths_are_files_of_this_computer(workbench: Workbench) -> None:
    """Python reads a file by its path, and other programs state that a URL is needed."""
    path = '/tmp/it\'s "a" dog.png'
    values = {"prompt": "a.png", "input_image": [path, URL, ""]}
    languages: list[str] = ["python", "python_async", "httpx", "curl", "command", "json"]
    found = workbench.call_each(
        WRITE_CALL, [(EDITOR, values, language, "blocking") for language in languages]
    )
    programs = dict(zip(languages, found, strict=True))
    for language, start in (
        ("python", "from pathlib import Path\n\nfrom oxen_models import Oxen\n"),
        ("python_async", "import asyncio\nfrom pathlib import Path\n\nfrom oxen_models import AsyncOxen\n"),
    ):
        assert programs[language].startswith(start)
        arguments = read_arguments(find_call(programs[language], "edit"))
        assert arguments == {"prompt": "a.png", "input_image": [Path(path), URL, ""]}
    for language in ("httpx", "curl"):
        assert programs[language].startswith("# The API reads no local files: replace each path with a URL")
    assert json.loads(programs["json"]) == {"model": EDITOR, **values}
    assert f"--input-image {URL}" in programs["command"]


@pytest.mark.slow
@pytest.mark.skipif(which("bash") is None, reason="not installed: bash")
def test_curl_sends_the_values(workbench: Workbench, tmp_path: Path) -> None:
    """A shell sends the body, and executes nothing in it."""
    cases = sample_cases(workbench, 9)
    programs = write_programs(workbench, cases, "curl")
    found = run_shell("\n".join([STUBS, *programs]), tmp_path)
    assert [json.loads(body) for body in found] == [{"model": id, **values} for id, values in cases]


SAMPLED = 5  # of the models, because each command takes a twentieth of a second


class ParsedCommand:
    """Reads the values of commands as the command line does."""

    def __init__(self) -> None:
        self.values: list[dict[str, Any]] = []

    def parse(self, name: str, model: RunnableModel, arguments: Sequence[str]) -> dict[str, Any]:
        """Return the values that the command `run` or `submit` gets."""
        group = {"run": run_command, "submit": submit_command}[name]
        command = ModelCommand(model, self._keep, group._options())  # pyright: ignore[reportPrivateUsage]
        command.main([*arguments], standalone_mode=False)
        return self.values.pop()

    def _keep(self, model: RunnableModel, values: Mapping[str, Any], **options: Any) -> None:
        self.values.append(dict(values))


@pytest.mark.slow
@pytest.mark.skipif(which("bash") is None, reason="not installed: bash")
def test_commands_pass_the_values(workbench: Workbench, tmp_path: Path) -> None:
    """The command line reads the values of the form, except those that it cannot pass."""
    cases = sample_cases(workbench, 10)
    programs = write_programs(workbench, cases, "command")
    words = run_shell(STUBS + "\nprintf 'END\\0'\n".join([*programs, ""]), tmp_path)
    parser = ParsedCommand()
    omitted = 0
    for number, ((id, values), program) in enumerate(zip(cases, programs, strict=True)):
        end = words.index("END")
        (name, model, *arguments), words = words[:end], words[end + 1 :]
        assert (name, model) == ("submit" if TRANSPORTS[number % 3] == "queue" else "run", id)
        recorded = read_recorded(id)
        assert recorded is not None
        passed = parser.parse(name, recorded, arguments)
        missing = values.keys() - passed.keys()
        assert passed == {name: value for name, value in values.items() if name not in missing}, program
        comment = program.partition("\n")[0]
        assert all(name in comment for name in missing), program
        omitted += len(missing)
    assert omitted < len(cases) / 10


@pytest.mark.slow
@pytest.mark.skipif(which("bash") is None, reason="not installed: bash")
def test_commands_of_unusual_schemas_pass_values(workbench: Workbench, tmp_path: Path) -> None:
    """The command line reads values of unions and lists, and of parameters with names of other options."""
    random = Random(12)
    schema = build_schema(normalize(UNUSUAL_SCHEMA), UNUSUAL_SCHEMA)
    model = {"id": "m", "basic": ["a_b"], "schema": schema}
    cases = [*UNUSUAL_VALUES, *(choose_values(schema, random) for _ in range(150))]
    programs = workbench.call_each(
        "(model, values) => command.write(data, model, values, 'run')", [(model, values) for values in cases]
    )
    words = run_shell(STUBS + "\nprintf 'END\\0'\n".join([*programs, ""]), tmp_path)
    runnable = RunnableModel("m", UNUSUAL_SCHEMA, (), {"id": "m"}, is_recorded=False)
    parser = ParsedCommand()
    passed_names: set[str] = set()
    for values, program in zip(cases, programs, strict=True):
        end = words.index("END")
        arguments, words = words[2:end], words[end + 1 :]
        passed = parser.parse("run", runnable, arguments)
        assert passed == {name: value for name, value in values.items() if name in passed}, program
        assert all(name in program.partition("\n")[0] for name in values.keys() - passed.keys()), program
        passed_names |= passed.keys()
    assert passed_names == UNUSUAL_SCHEMA["properties"].keys()


@pytest.mark.slow
@pytest.mark.skipif(which("bash") is None, reason="not installed: bash")
def test_commands_of_examples_send_their_bodies(workbench: Workbench, tmp_path: Path) -> None:
    """The command of an example is accepted, and it would send the body of the example."""
    cases = [(id, model["example"]) for id, model in workbench.models.items()][::SAMPLED]
    programs = workbench.call_each(WRITE_CALL, [(*case, "command", "queue") for case in cases])
    words = run_shell(STUBS + "\nprintf 'END\\0'\n".join([*programs, ""]), tmp_path)
    for id, values in cases:
        end = words.index("END")
        arguments, words = words[:end], words[end + 1 :]
        result = CliRunner().invoke(cli, [*arguments, "--dry-run"], env={"OXEN_API_KEY": "key"})
        assert json.loads(result.stdout)["body"] == {"model": id, **values}, result.output


def test_options_of_commands_are_known(workbench: Workbench) -> None:
    """The page knows the options that are no parameters, because a parameter cannot have their names."""
    [found] = workbench.call_each("() => command.OWN_OPTIONS", [()])
    for name, group in (("run", run_command), ("submit", submit_command)):
        options: list[click.Parameter] = group._options()  # pyright: ignore[reportPrivateUsage]
        texts = {text for option in options for text in (*option.opts, *option.secondary_opts)}
        assert sorted(found[name]) == sorted({"help", *(text[2:] for text in texts if text.startswith("--"))})


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_words_of_shells_are_the_texts(workbench: Workbench, tmp_path: Path, shell: str) -> None:
    """Each text is one word of a shell; `dash` has no escapes for invisible characters."""
    if which(shell) is None:
        pytest.skip(f"not installed: {shell}")
    random = Random(11)
    texts = [*TEXTS, *(choose_text(random) for _ in range(300))]
    words = workbench.call_each("(text) => literals.writeShellWord(text)", [[text] for text in texts])
    pairs = [
        (text, word) for text, word in zip(texts, words, strict=True) if shell == "bash" or word[0] != "$"
    ]
    program = "\n".join(f"printf '%s\\0' {word}" for _, word in pairs)
    assert run_shell(program, tmp_path, shell) == [text for text, _ in pairs]
    assert all(char.isprintable() or char == "\n" for word in words for char in word)


def test_texts_that_are_no_arguments_are_null(workbench: Workbench) -> None:
    """An argument has neither a null byte nor a character that is not Unicode."""
    function = "() => ['a\\0', '\\ud800'].map(literals.writeShellWord)"
    assert workbench.call_each(function, [()]) == [[None, None]]
