"""docs/check_links.py finds each kind of fault of a built site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "docs" / "check_links.py"
GOOD = """
<link rel="canonical" href="https://site.example/">
<link rel="stylesheet" href="a.css">
<h1 id="top">Title</h1>
<a href="#top"></a> <a href="a/"></a> <a href="a/index.html#b%20c"></a> <a href="https://other.example/"></a>
<a href="workbench/app.html#model=m"></a>
<img src="data:image/png;base64,AA">
"""
BAD = """
<link rel="stylesheet" href="https://fonts.example/a.css">
<script src="//cdn.example/a.js"></script>
<style>@import "https://styles.example/a.css";</style>
<a href="#missing"></a> <a href="b/"></a> <a href="a/#missing"></a>
"""
FAULTS = [
    "index.html: #missing has no such anchor",
    "index.html: b/ does not exist",
    "index.html: a/#missing has no such anchor",
    "index.html: loads https://fonts.example/a.css",
    "index.html: loads //cdn.example/a.js",
    "index.html: loads https://styles.example/a.css",
    "a.css: loads https://fonts.example/b.woff",
]


def check(site: Path, page: str, style: str) -> tuple[int, list[str]]:
    """Check a site of two pages, and return the exit code and the lines about faults."""
    (site / "a").mkdir()
    (site / "a" / "index.html").write_text('<p id="b c"></p>')
    (site / "workbench").mkdir()
    (site / "workbench" / "app.html").write_text("")
    (site / "index.html").write_text(page)
    (site / "a.css").write_text(style)
    done = subprocess.run([sys.executable, str(PROGRAM), str(site)], capture_output=True, text=True)
    return done.returncode, [line for line in done.stdout.splitlines() if ": " in line]


def test_good_site_has_no_faults(tmp_path: Path) -> None:
    """Links to pages, anchors and other hosts are right; an address that is not loaded may be foreign."""
    assert check(tmp_path, GOOD, "p { background: url(data:image/png;base64,AA) }") == (0, [])


def test_faults_are_named(tmp_path: Path) -> None:
    """Each link without a target and each file from another host is named after its page."""
    assert check(tmp_path, BAD, "@font-face { src: url('https://fonts.example/b.woff') }") == (1, FAULTS)
