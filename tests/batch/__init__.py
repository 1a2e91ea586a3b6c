"""Tests of `run_many` and its journal."""
