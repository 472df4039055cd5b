"""A conversation in a file is the body of a chat request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.chat.conversation import Conversation
from gateway.errors import ConfigError

USER = {"role": "user", "content": "Hi"}
PARTS = {"role": "system", "content": [{"type": "text", "text": "Be brief."}]}


def loaded(folder: Path, body: Any) -> Conversation:
    path = folder / "chat.json"
    path.write_text(json.dumps(body))
    conversation = Conversation("m")
    conversation.load(path)
    return conversation


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    first = Conversation("m", system="Be brief.", messages=[USER], settings={"top_k": 3})
    first.save(tmp_path / "chat.json")
    second = Conversation("m")
    second.load(tmp_path / "chat.json")
    assert second == first


def test_a_system_message_in_parts_stays_a_message(tmp_path: Path) -> None:
    conversation = loaded(tmp_path, {"messages": [PARTS, USER]})
    assert (conversation.system, conversation.messages) == ("", [PARTS, USER])


def test_the_model_and_the_tools_are_those_of_the_chat(tmp_path: Path) -> None:
    body = {"model": "x", "tools": [{}], "stream": True, "messages": [USER], "seed": 1}
    conversation = loaded(tmp_path, body)
    assert conversation.body() == {"model": "m", "messages": [USER], "seed": 1}


@pytest.mark.parametrize("body", [[], {}, {"messages": 1}, {"messages": ["x"]}, {"messages": [{}]}])
def test_a_file_that_is_no_request_is_refused(body: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not the body of a chat request"):
        loaded(tmp_path, body)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't write"):
        Conversation("m").save(tmp_path / "no/chat.json")
