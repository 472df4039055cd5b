"""Records the schemas of transformers in transformers.json: `python -m tests.functions.record`.

Only this script needs transformers; the tests read the record.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import get_json_schema

from tests.functions.shapes import SHAPES, Shape

RECORD = Path(__file__).parent / "transformers.json"


def made_of(function: Shape) -> dict[str, Any]:
    try:
        return {"schema": get_json_schema(function)}
    except Exception as error:
        return {"error": type(error).__name__}


def main() -> None:
    shapes = {name: made_of(function) for name, function in SHAPES.items()}
    record = {"transformers": transformers.__version__, "shapes": shapes}
    RECORD.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
