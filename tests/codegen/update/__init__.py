"""Tests of `oxen-codegen update`."""

import pytest

# Beside the tests, pytest would not say why one of its asserts fails.
pytest.register_assert_rewrite("codegen.update.projects")
