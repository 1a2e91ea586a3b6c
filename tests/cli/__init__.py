"""Tests of the runner and of the command line."""
