"""Tests of the reference site's pages and their programs."""
