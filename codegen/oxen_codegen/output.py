"""Write a package to disk, unless it is up to date."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .build import Package, PackageBuilder
from .formatting import format_tree
from .guards import ensure_generated, ensure_no_data_loss
from .replace import replace_package
from .tree import Difference, compare_trees, list_files, write_files


@dataclass(frozen=True, slots=True)
class SchemaFiles:
    """The content of the `schemas` folder of a package."""

    source: Path | None
    """A folder to copy; None for an empty folder."""
    changes: Mapping[str, str | None]
    """Texts of files that are new or differ from `source`, by name; None for a file to leave out."""

    def write(self, folder: Path) -> None:
        """Create the folder. Its files can be written, even if those of the source are read-only."""
        folder.mkdir()
        if self.source is not None:
            for name in list_files(self.source):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.source / name, folder / name)
        for name, text in self.changes.items():
            if text is None:
                (folder / name).unlink(missing_ok=True)
        write_files({name: text for name, text in self.changes.items() if text is not None}, folder)


def write_package(
    package: Package,
    builder: PackageBuilder,
    schemas: SchemaFiles,
    *,
    changelog_entry: str | None = None,
    dry_run: bool = False,
) -> list[Difference]:
    """Replace the package on disk by a new one, and return the files that differ.

    Args:
        package: The new package.
        builder: The builder of the package.
        schemas: The schemas of the package.
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
        write_files(package.copies, tree)
        schemas.write(tree / "schemas")
        differences = list(compare_trees(tree, config.folder))
        if differences:
            builder.check_package(package, tree)
        if differences and not dry_run:
            ensure_generated(config.folder)
            if config.is_extension:  # a team may keep modules of its own in the folder
                ensure_no_data_loss(config.folder, differences)
            replace_package(tree, config.folder, config.changelog, changelog_entry)
        return differences
