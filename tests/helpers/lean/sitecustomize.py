"""Start each Python process of a test as where neither trio nor the command line of httpx is installed.

httpx and httpcore import them where they are, which takes half of the time until the first request is sent.
"""

import sys

sys.modules.update({"trio": None, "httpx._main": None})  # type: ignore[dict-item]  # an import raises ImportError
