"""Pages as plain Markdown, and llms.txt."""

from __future__ import annotations

from oxen_codegen.reference.llms import Page, flatten_tabs, format_llms

BASE = "https://site.example/models/"
TABS = """\
---
title: "A"
---

# A

=== "Queue"

    === "Minimal"

        === "cURL"

            ```bash
            curl -d '{
              "a": 1
            }'
            === "no tab"
            ```

    === "All"

        Text.

After.
"""
FLAT = """\
# A

**Queue, Minimal, cURL**

```bash
curl -d '{
  "a": 1
}'
=== "no tab"
```

**Queue, All**

Text.

After.
"""


def test_tabs_become_labelled_blocks() -> None:
    """The content of each tab follows its labels; text that looks like a tab in a program stays."""
    assert flatten_tabs(TABS, BASE) == FLAT


def test_links_become_full_addresses() -> None:
    """Links between pages lead to Markdown versions; others, and text in programs, are unchanged."""
    unchanged = "[d](https://x.example/y.md) [e](#here)\n\n```\n[f](m.md)\n```\n"
    links = {
        "m.md": f"{BASE}m/index.md",
        "../jobs.md#results": "https://site.example/jobs/index.md#results",
        "index.md": f"{BASE}index.md",
        "../forms/app.html#model=m": "https://site.example/forms/app.html#model=m",
    }
    page, flat = (" ".join(f"[a]({link})" for link in group) for group in (links, links.values()))
    assert flatten_tabs(f"{page} {unchanged}", BASE) == f"{flat} {unchanged}"


def test_llms_list_each_page() -> None:
    """llms.txt has a link to each page, with the first paragraph if there is one."""
    pages = [
        Page("u/a", "# A\n\nDoes\nthis.\n\nMore."),
        Page("u/b", "# B\n\n- item\n"),
        Page("u/c", "# C\n\n    code"),
    ]
    assert (
        format_llms("T", "S", {"All": pages})
        == "# T\n\n> S\n\n## All\n\n- [A](u/a): Does this.\n- [B](u/b)\n- [C](u/c)\n"
    )
