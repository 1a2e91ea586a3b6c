"""Tests of the job scheduler, with a simulated clock."""

import pytest

# pytest rewrites asserts in test modules only, unless a module is registered.
pytest.register_assert_rewrite("jobs.scheduler.simulation")
