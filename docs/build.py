"""Build the documentation site in build/docs: the guides, the pages of the models, and the API reference.

`--serve` serves it on this machine, and builds it again when a guide changes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from oxen_codegen.reference.llms import Page, flatten_tabs, format_llms
from oxen_codegen.reference.pages import FORM_PAGE

DOCS = Path(__file__).parent
OUTPUT = DOCS.parent / "build" / "docs"
PAGES = OUTPUT / "pages"
SITE = OUTPUT / "site"
CONFIG = OUTPUT / "zensical.toml"
ZENSICAL = (sys.executable, "-m", "zensical")
FORMS = DOCS.parent / "generated" / "oxen_models" / "_workbench" / "page.html"
PROGRAM = re.compile("<pre>.*?</pre>", re.DOTALL)
SERVE_INTERVAL = 1.0
"""Seconds between two checks for changed guides."""


def copy_guides() -> None:
    """Copy the files of the site that changed."""
    for source in sorted(DOCS.rglob("*")):
        target = (OUTPUT if source.name == CONFIG.name else PAGES) / source.relative_to(DOCS)
        is_copied = target.is_file() and target.read_bytes() == source.read_bytes()
        if source.suffix in (".md", ".css", ".toml") and not is_copied:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def copy_forms() -> None:
    """Copy the page with the form of each model, to which the pages of the models link."""
    target = (PAGES / "models" / FORM_PAGE).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FORMS, target)


def collect_pages() -> None:
    """Copy the guides and the page with the forms, and generate the pages of the models beside them."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    copy_guides()
    copy_forms()
    command = (sys.executable, "-m", "oxen_codegen", "docs", "--output", str(PAGES))
    subprocess.run(command, cwd=DOCS.parent, check=True)


def write_markdown() -> None:
    """Write the Markdown version of each page beside it, and llms.txt and llms-full.txt.

    Zensical has written the versions of the pages that `llmstxt` in its configuration selects.
    """
    project = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]
    guides: list[Page] = []
    models: list[Page] = []
    for source in sorted(PAGES.rglob("*.md")):
        path = source.relative_to(PAGES).with_suffix("")
        target = Path(path.parent if path.name == "index" else path, "index.md")
        if not (SITE / target).exists():
            base = f"{project['site_url']}{path.parent.as_posix()}/"
            markdown = flatten_tabs(source.read_text(encoding="utf-8"), base)
            (SITE / target).write_text(markdown, encoding="utf-8")
        page = Page(f"{project['site_url']}{target.as_posix()}", (SITE / target).read_text(encoding="utf-8"))
        (models if path.parent.name == "models" else guides).append(page)
    title, summary = project["site_name"], project["site_description"]
    sections = {"Guides and API reference": guides, "Models": models}
    (SITE / "llms.txt").write_text(format_llms(title, summary, sections), encoding="utf-8")
    full = "\n\n".join(page.markdown.strip() for page in (*guides, *models))
    (SITE / "llms-full.txt").write_text(f"{full}\n", encoding="utf-8")


def shorten_search() -> None:
    """Remove the programs of the models' pages from the search index, which would be ten times as large."""
    index = json.loads((SITE / "search.json").read_text(encoding="utf-8"))
    for item in index["items"]:
        if item["location"].startswith("models/"):
            item["text"] = PROGRAM.sub("", item["text"])
    (SITE / "search.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")


def build() -> None:
    """Build the site, and print its size and the time that it took."""
    started = time.monotonic()
    collect_pages()
    subprocess.run((*ZENSICAL, "build", "--strict", "--config-file", str(CONFIG)), check=True)
    write_markdown()
    shorten_search()
    seconds = time.monotonic() - started
    pages = len(list(SITE.rglob("index.html")))
    size = sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file())
    print(f"{pages} pages, {size / 1e6:.1f} MB, built in {seconds:.1f} s: {SITE}")


def serve() -> None:
    """Serve the site until the server ends, and copy guides that change."""
    collect_pages()
    command = (*ZENSICAL, "serve", "--dev-addr", "localhost:8000", "--config-file", str(CONFIG))
    with subprocess.Popen(command) as server:
        while server.poll() is None:
            copy_guides()
            time.sleep(SERVE_INTERVAL)


if __name__ == "__main__":
    serve() if "--serve" in sys.argv[1:] else build()
