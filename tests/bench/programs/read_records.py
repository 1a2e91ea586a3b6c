"""Parse all JSON files of the folders that are given."""

import json
import sys
from pathlib import Path

for folder in sys.argv[1:]:
    for file in Path(folder).iterdir():
        json.loads(file.read_bytes())
