"""Compare two catalogues from the point of view of a caller of the bindings."""
