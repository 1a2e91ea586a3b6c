"""Tests of `oxen-codegen update`."""

import pytest

# So that pytest explains a failed assertion in a helper.
pytest.register_assert_rewrite("codegen.update.projects")
