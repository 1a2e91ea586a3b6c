"""Tests of the stand-in hub over real sockets."""
