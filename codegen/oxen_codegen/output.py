"""Write a package to disk, unless it is up to date."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .build import Package, PackageBuilder
from .formatting import format_tree
from .guards import ensure_generated, ensure_no_data_loss
from .replace import replace_package
from .tree import Difference, find_differences, read_files, write_files


def write_package(
    package: Package,
    builder: PackageBuilder,
    schemas: Mapping[str, bytes],
    *,
    changelog_entry: str | None = None,
    dry_run: bool = False,
) -> list[Difference]:
    """Replace the package on disk by a new one, and return the files that differ.

    Args:
        package: The new package.
        builder: The builder of the package.
        schemas: The contents of the files in its folder `schemas`, by relative path.
        changelog_entry: An entry to add to the changelog, if a file of the package differs.
        dry_run: Whether to change nothing.

    Raises:
        CodegenError: The package cannot be written, or the existing package was not generated. Nothing was
            changed.
    """
    config = builder.config
    with TemporaryDirectory() as folder:
        tree = Path(folder, "package")
        write_files(package.files, tree)
        format_tree(tree)
        formatted = read_files(tree)
        # Not written yet, because most packages are up to date.
        others = {**package.copies, **{f"schemas/{name}": content for name, content in schemas.items()}}
        differences = list(find_differences({**formatted, **others}, config.folder))
        if differences:
            builder.check_package(package, formatted)
        if differences and not dry_run:
            ensure_generated(config.folder)
            if config.is_extension:  # a team may keep modules of its own in the folder
                ensure_no_data_loss(config.folder, differences)
            write_files(others, tree)
            replace_package(tree, config.folder, config.changelog, changelog_entry)
        return differences
