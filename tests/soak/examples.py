"""Execute every program of every reference page against the stand-in."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from helpers.examples import MISSING_TOOLS, SPEED, ExampleRunner, extract_blocks
from helpers.program_server import WARM_UP, ProgramServer
from helpers.reference import RECORDED_PAGES, TEMPLATES
from oxen_codegen.reference.examples import Example, render_examples
from oxen_codegen.reference.pages import ModelPage
from oxen_codegen.reference.site import render_page
from oxen_models.testing import Hub

_PAGES_AT_ONCE = 16
_PAGES_PER_LINE = 40


def run(_: Random) -> Iterator[str]:
    """Run all programs, and yield their numbers by transport, language and level."""
    assert not MISSING_TOOLS, f"the programs of shells need {', '.join(MISSING_TOOLS)}"
    started = _used_cpu()
    executed: list[Example] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ProgramServer(f"import openai\n{WARM_UP}", speed=SPEED) as programs,
        ThreadPoolExecutor(_PAGES_AT_ONCE) as pool,  # more than processors, because most programs wait
    ):
        run_page = partial(_run_page, programs, Path(folder))
        for number, examples in enumerate(pool.map(run_page, RECORDED_PAGES), 1):
            executed += examples
            if number % _PAGES_PER_LINE == 0:
                yield f"{number} of {len(RECORDED_PAGES)} pages, {len(executed)} programs"
    yield (
        f"{len(executed)} programs of {len(RECORDED_PAGES)} pages, and the command of each page that "
        f"requests the model; {_used_cpu() - started:.0f} s of CPU time"
    )
    for attribute in ("transport", "language", "level"):
        counts = Counter(getattr(example, attribute) for example in executed)
        yield ", ".join(f"{name or 'one level'}: {number}" for name, number in counts.items())


def _run_page(programs: ProgramServer, folder: Path, page: ModelPage) -> tuple[Example, ...]:
    """Run the programs of a page one after the other, and return them."""
    examples = render_examples(page, TEMPLATES)
    [*blocks, (_, details)] = extract_blocks(render_page(page, TEMPLATES))
    assert [code for _, code in blocks] == [example.code for example in examples]
    with Hub(speed=SPEED) as hub:
        runner = ExampleRunner(hub, programs, folder)
        for example in examples:
            runner.run_example(page, example)
        runner.run_details(page, details)
    return examples


def _used_cpu() -> float:
    """Return the seconds that this process and its ended children have used."""
    return sum(os.times()[:4])
