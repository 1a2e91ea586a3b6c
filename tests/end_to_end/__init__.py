"""Tests of whole use cases."""
