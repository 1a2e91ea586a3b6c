"""Run the engine's own `generate()` on a folder of schemas, with the options of oxen_codegen.parse."""

import json
import sys
from pathlib import Path

from datamodel_code_generator import generate
from datamodel_code_generator.enums import DataModelType, InputFileType
from datamodel_code_generator.format import PythonVersion
from datamodel_code_generator.parser import LiteralType

for file in sorted(Path(sys.argv[1]).iterdir()):
    code = generate(
        json.loads(file.read_text(encoding="utf-8")),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        class_name="Model",
        enum_field_as_literal=LiteralType.All,
        field_constraints=True,
        use_annotated=True,
        allow_remote_refs=False,
        formatters=[],
    )
    assert isinstance(code, str), file
