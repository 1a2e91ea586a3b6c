"""Tests of jobs, history and events."""
