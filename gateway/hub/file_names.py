"""What the name of a GGUF file says: its quantization, and the parts of a split model. Pure."""

from __future__ import annotations

import re

SUFFIX = ".gguf"
NO_MODELS = ("mmproj", "imatrix")  # vision projectors and calibration data lie beside models
FIRST = 1

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_QUANTIZATION = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_[0-9A-Z]+)*|TQ\d_0|BF16|F16|F32|MXFP4(?:_MOE)?|NVFP4))"
    r"(?=[-./]|$)",
    re.IGNORECASE,
)


def parts(name: str) -> list[str]:
    """The names of all files of the model whose first file is `name`: one unless it is split."""
    if not (found := _PART.search(name)) or int(found[1]) != FIRST:
        return [name]
    stem, count = name[: found.start()], found[2]
    return [f"{stem}-{part:05}-of-{count}{SUFFIX}" for part in range(FIRST, int(count) + 1)]


def is_model(name: str) -> bool:
    """Whether the file is a model, or the first part of one."""
    part = _PART.search(name)
    stem = name.rpartition("/")[2].lower()
    is_later_part = part is not None and int(part[1]) != FIRST
    return stem.endswith(SUFFIX) and not is_later_part and not any(no in stem for no in NO_MODELS)


def model_name(name: str) -> str:
    """A short name for the model: that of the file, in lower case, without its quantization."""
    stem = _PART.sub("", name).removesuffix(SUFFIX)
    found = [match for match in _QUANTIZATION.finditer(stem) if match.start()]
    return (stem[: found[-1].start()] if found else stem).lower()


def quantization(name: str) -> str:
    """The quantization in a file's name, in upper case; "" if it names none."""
    found = _QUANTIZATION.findall(_PART.sub("", name.removesuffix(SUFFIX)))
    return str(found[-1]).upper() if found else ""
