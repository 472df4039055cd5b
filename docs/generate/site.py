"""A hook of MkDocs that adds the pages and files outside `docs/` to the site.

They keep their paths, while `docs/api.md` becomes `api.md`: links between the two lose `docs/`
or `../`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPO = Path(__file__).parents[2]
OUTSIDE = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "adapters/README.md",
    "adapters/smollm2-135m-tools.svg",
    "examples/weather.py",
    "examples/functions.py",
    "examples/todo_agent.py",
    "examples/nginx.conf",
    "examples/envoy.yaml",
    "examples/kubernetes/deployment.yaml",
)


def on_files(files: Files, *, config: Any) -> Files:
    for path in OUTSIDE:
        files.append(File.generated(config, path, abs_src_path=str(REPO / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    if page.file.src_uri in OUTSIDE:
        return re.sub(r"\]\(((?:\.\./)?)docs/", r"](\1", markdown)
    return markdown.replace("](../", "](")
