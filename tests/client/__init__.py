"""Tests of the client and of requests."""
