"""Long runs with faults that short tests miss. `nox -s soak` runs them."""
