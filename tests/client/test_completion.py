"""Completion of parameters in IPython, which reads the signatures at run time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from oxen_models import AsyncOxen, Oxen
from traitlets.config import Config

PARAMETERS = {
    "aspect_ratio", "input_image", "negative_prompt", "output_format", "prompt", "response_format",
    "target_namespace",
}  # fmt: skip


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """An IPython shell with both clients, without a history file."""
    folder: Path = tmp_path_factory.mktemp("ipython")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder))
        untyped: Any = InteractiveShell
        shell = untyped(config=Config({"HistoryManager": {"enabled": False}}))
        shell.user_ns.update(sync=Oxen("any"), awaited=AsyncOxen("any"))
        yield shell


@pytest.mark.slow
@pytest.mark.parametrize(("client", "call"), [("sync", "edit"), ("awaited", "submit")])
def test_ipython_completes_parameters(shell: InteractiveShell, client: str, call: str) -> None:
    """After the parenthesis of a call, IPython offers the parameters of the model."""
    code = f"{client}.images.qwen_image_edit_plus.{call}("
    with provisionalcompleter():
        offered = {completion.text for completion in shell.Completer.completions(code, len(code))}
        started = [completion.text for completion in shell.Completer.completions(f"{code}asp", len(code) + 3)]
    assert {f"{name}=" for name in PARAMETERS} <= offered
    assert started == ["aspect_ratio="]


@pytest.mark.slow
def test_ipython_completes_models(shell: InteractiveShell) -> None:
    """IPython offers the models of a family, and the calls of a model."""
    expected = {"sync.images.qwen_im": "qwen_image_edit_plus", "sync.images.qwen_image.": "submit"}
    with provisionalcompleter():
        for code, name in expected.items():
            offered = {completion.text for completion in shell.Completer.completions(code, len(code))}
            assert any(text.endswith(name) for text in offered), offered
