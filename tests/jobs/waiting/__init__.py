"""How jobs are waited for, with time given from outside.

A package, so that what its modules share lies beside them.
"""

import pytest

# Beside the tests, pytest would not say why one of its asserts fails.
pytest.register_assert_rewrite("jobs.waiting.world")
