"""The figures that the project promises, each beside what it is measured against: `nox -s bench`."""
