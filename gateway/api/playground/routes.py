"""GET /: the playground for browsers, links for others; GET /playground/{path}: its files."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from gateway.errors import NotFound

STATIC = Path(__file__).parent / "static"
# The page shows what a model wrote. A browser loads and runs only the files of this package in it,
# and turns no text into HTML.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

router = APIRouter()
_files = StaticFiles(directory=STATIC)


@router.head("/", include_in_schema=False)
@router.get("/", response_model=None)
async def root(http: Request) -> Response:
    """Say what this is, and where its routes are; show the playground to a browser."""
    if http.app.state.playground and "text/html" in http.headers.get("accept", ""):
        return FileResponse(STATIC / "index.html", headers={**HEADERS, "Vary": "Accept"})
    return JSONResponse(_description(http), headers={"Vary": "Accept"})


@router.head("/playground/{path:path}", include_in_schema=False)
@router.get("/playground/{path:path}", include_in_schema=False)
async def file(path: str, http: Request) -> Response:
    """A file of the playground."""
    if not http.app.state.playground:
        raise NotFound("the playground is off; `playground: true` in models.yaml turns it on")
    response = await _files.get_response(path, http.scope)
    response.headers.update(HEADERS)
    return response


def _description(http: Request) -> dict[str, Any]:
    description = {
        "name": "tool-gateway",
        "version": version("tool-gateway"),
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "models": "/v1/models",
        "health": "/health",
    }
    if http.state.is_anonymous:  # strangers need not know which faults a version has
        del description["version"]
    return description
