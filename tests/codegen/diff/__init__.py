"""Tests of `oxen-codegen diff`."""
