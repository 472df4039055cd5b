"""GET /docs: the OpenAPI document as a page, which loads nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

STATIC = Path(__file__).parents[1] / "static"
SAME_ORIGIN = {
    # RapiDoc styles its elements from its script.
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:"
}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> FileResponse:
    return FileResponse(STATIC / "docs.html", headers=SAME_ORIGIN)


@router.get("/docs/rapidoc-min.js")
async def script() -> FileResponse:
    """RapiDoc, whose file is compressed; every browser decompresses it."""
    headers = {"Content-Encoding": "gzip", "Cache-Control": "no-cache"}
    return FileResponse(STATIC / "rapidoc-min.js.gz", media_type="text/javascript", headers=headers)
