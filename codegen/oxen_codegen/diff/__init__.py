"""What changed between two catalogues, and what it means for a caller of the bindings."""
