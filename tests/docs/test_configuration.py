"""The page about models.yaml is made from the code, and leaves nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate.configuration import as_markdown
from gateway.config.llama import Section
from gateway.config.load import Config

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
MADE = as_markdown()
KEYS = [
    (section, key)
    for section in Section.__subclasses__()
    for key in section.model_fields
    if (section, key) != (Config, "folder")
]


def test_the_page_about_the_configuration_is_up_to_date() -> None:
    assert PAGE.read_text() == MADE, "python -m docs.generate.configuration > docs/configuration.md"


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_says_what_it_is_for(section: type[Section], key: str) -> None:
    told = section.model_fields[key].description
    assert told
    assert " ".join(told.split()) in MADE
