"""A reference to a model on Hugging Face: a file of a repository, or a quantization of it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gateway.config.remote import HUBS
from gateway.errors import ModelUnusable

SCHEME = "hf:"
FORMS = "hf:owner/repo/file.gguf or hf:owner/repo:QUANTIZATION"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A model in the repository `repo`, as owner/name.

    It is the file with the path `file`, or the file with this `quantization`; without both, the
    model of the repository, or its Q4_K_M.
    """

    repo: str
    file: str = ""
    quantization: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether it means the same file however many others the repository gets."""
        return bool(self.file or self.quantization)

    def __str__(self) -> str:
        path = f"/{self.file}" if self.file else ""
        choice = f":{self.quantization}" if self.quantization else ""
        return f"{SCHEME}{self.repo}{path}{choice}"


def is_page(text: str) -> bool:
    """Whether this is the address of a page of huggingface.co, with or without its scheme."""
    return re.sub(r"^https?://", "", text).split("/")[0] in HUBS


def is_hub_model(text: str) -> bool:
    """Whether this is a reference that begins with `hf:`, or the address of a page."""
    return text.startswith(SCHEME) or is_page(text)


def parse_reference(text: str) -> Reference:
    """Reads a reference, with or without `hf:`, or the address of a page of huggingface.co.

    Raises ModelUnusable for anything else.
    """
    address = urlsplit(text)
    is_address = address.scheme in ("http", "https")
    if not is_address and text.split("/")[0] in HUBS:  # pasted without its scheme
        is_address, address = True, urlsplit(f"https://{text}")
    path = _path_of_page(text, address.hostname, address.path) if is_address else text
    owner, _, rest = path.removeprefix(SCHEME).partition("/")
    name, _, file = rest.partition("/")
    name, has_quantization, quantization = name.partition(":")
    if has_quantization and (file or not quantization):
        raise _malformed(text)
    if not all(map(_NAME.fullmatch, (owner, name))) or not _is_inside(file):
        raise _malformed(text)
    return Reference(f"{owner}/{name}", file, quantization)


def _path_of_page(text: str, host: str | None, path: str) -> str:
    """The path as in a reference: the address of a file has `blob/main` or similar in it."""
    if host not in HUBS:
        raise ModelUnusable(f"{text}: no address of huggingface.co; give {FORMS}")
    match [part for part in unquote(path).split("/") if part]:
        case [owner, name] | [owner, name, "tree", "main"]:
            return f"{owner}/{name}"
        case [owner, name, "blob" | "resolve" | "raw", "main", _, *_] as found:
            return "/".join((owner, name, *found[4:]))
        case [_, _, "blob" | "resolve" | "raw" | "tree", revision, *_] if revision != "main":
            raise ModelUnusable(f"{text}: only the revision main is supported, not {revision}")
    raise _malformed(text)


def _is_inside(file: str) -> bool:
    """Whether the path stays in its repository."""
    return not file or not any(part in ("", ".", "..") for part in file.split("/"))


def _malformed(text: str) -> ModelUnusable:
    return ModelUnusable(f"{text}: expected {FORMS}")
