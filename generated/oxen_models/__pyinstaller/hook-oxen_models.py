# Copied by oxen-codegen from templates/package/__pyinstaller/hook-oxen_models.py. Do not edit.
"""What PyInstaller does not find in the imports of this package."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules  # type: ignore

datas = collect_data_files("oxen_models")
hiddenimports = collect_submodules("oxen_models", on_error="ignore")
