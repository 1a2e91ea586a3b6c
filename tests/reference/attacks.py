"""Texts of the API that would do something if a page or a program did not quote them."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.models import object_schema

STRINGS: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "codegen" / "hostile" / "strings.json").read_text(encoding="utf-8")
)
MARKDOWN_ATTACKS = {
    "link": "[x](javascript:alert(1)) ![x](data:text/html,x) <javascript:alert(1)>",
    "element": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "element after a line break": "x\n\n<script>alert(1)</script>\n",
    "fence": "```\n\n<script>alert(1)</script>\n\n~~~\n`````",
    "cell": "x | <b>y</b> |\n| --- | --- |\n||",
    "block": '=== "Tab"\n\n    x\n\n!!! danger\n\n    x',
    "block at the beginning": "!!! danger",
    "tab at the beginning": '=== "Tab"',
    "heading": "# x",
    "list": "1. x",
    "rule": "---",
    "front matter": '"\n---\ntitle: x\n---\n',
    "reference": "[x]: javascript:alert(1)\n[x]",
    "attributes": "x{: onclick=alert(1) } {#x}",
    "entity": "&lt;script&gt; &#60;b&#62;",
    "address": "https://example.com/ www.example.com x@example.com",
    "include": '--8<-- "/etc/passwd"',
    "emphasis": "*x* **x** _x_ __x__ ~~x~~ ^x^ ==x== ++x++ :x:",
    "shell word": "'; touch canary; '",
    "escaped quote": "\\'; touch canary; echo \\'",
    "percent": "%s %d %n \\n",
}
ATTACKS = {**STRINGS, **MARKDOWN_ATTACKS}
ATTACK_SCHEMA = object_schema(
    *(f"p{number}" for number in range(len(ATTACKS))),
    **{
        f"p{number}": {"type": "string", "x-workbench-default": text}
        for number, text in enumerate(ATTACKS.values())
    },
)
