"""Where a model's file is: a path, a file inside an installed package, or one to download."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from gateway.errors import ModelUnusable


def locate(source: str, folder: Path, *, key: str = "source", download: bool = True) -> Path | None:
    """The file that `source` names; relative paths start at `folder`. Raises ModelUnusable.

    `package:name/file` is a file in an installed Python package, which is not imported.
    `hf:owner/repo/file` is downloaded once, with a progress bar, to the Hugging Face cache; it
    is None if it is not there and `download` is false. `key` is where models.yaml has it.
    """
    scheme, _, rest = source.partition(":")
    match scheme:
        case "package":
            return _in_package(source, *rest.split("/", 1))
        case "hf":
            return _from_hub(source, rest, download)
    path = folder / Path(source).expanduser()
    if not path.is_file():
        raise ModelUnusable(f"there is no file {path}; `{key}` in models.yaml names it")
    return path


def _in_package(source: str, package: str, file: str = "") -> Path:
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(root, file)).is_file():
            return path
    raise ModelUnusable(f"{source}: no installed package has that file; `make setup` brings ours")


def _from_hub(source: str, rest: str, download: bool) -> Path | None:
    try:
        owner, repo, file = rest.split("/", 2)
    except ValueError:
        raise ModelUnusable(f"{source}: expected hf:owner/repo/file.gguf") from None
    try:
        # Without a network, asking the hub whether its file has changed takes its time to fail.
        cached = try_to_load_from_cache(f"{owner}/{repo}", file)
        if isinstance(cached, str):
            return Path(cached)
        return Path(hf_hub_download(f"{owner}/{repo}", file)) if download else None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelUnusable(f"{source} can't be downloaded: {error}") from error
