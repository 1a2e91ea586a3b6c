"""The page, with the session in it."""

from __future__ import annotations

import re
from html import unescape
from importlib.resources import files

from starlette.responses import HTMLResponse

from .responses import write_json
from .session import Session

_EMPTY_SESSION = '<script type="application/json" id="session">null</script>'
_POLICY = re.compile('<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


def respond_page(session: Session) -> HTMLResponse:
    """Return the response with the page and the token of the session."""
    page = files(__name__.rpartition(".")[0]).joinpath("page.html").read_text(encoding="utf-8")
    state = write_json({"token": session.token, **session.describe()}).replace("<", "\\u003c")
    policy = _POLICY.search(page)
    assert policy is not None
    assert page.count(_EMPTY_SESSION) == 1
    filled = page.replace(_EMPTY_SESSION, _EMPTY_SESSION.replace("null", state))
    # A page cannot forbid frames by itself.
    headers = {"Content-Security-Policy": f"{unescape(policy[1])}; frame-ancestors 'none'"}
    return HTMLResponse(filled, headers=headers)
