"""A conversation on the page: calls, results, thinking, errors, files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gateway.errors import EngineDied
from tests.fakes import Script, ScriptedAnswer, call, scripted
from tests.playground.conftest import Open
from tests.playground.steps import Stepping, answered, offer, say

pytestmark = pytest.mark.page

CALL = call("get_weather", {"city": "Paris"})


def test_a_streamed_call_appears_part_by_part(open_page: Open) -> None:
    pieces = [
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Pa',
        'ris"}}\n</tool_call>',
    ]
    script = Stepping([ScriptedAnswer(pieces)])
    page = open_page(script=script)
    offer(page)
    say(page)
    script.released = 1
    shown = page.locator(".call")
    expect(shown).to_contain_text("get_weather")
    expect(shown.locator("pre")).to_have_text('{"city": "Pa')
    script.released = 3
    expect(shown.locator("pre")).to_have_text('{ "city": "Paris" }')


def test_a_result_is_typed_in_and_the_model_goes_on(open_page: Open) -> None:
    script = Script([scripted(CALL), scripted("It is sunny.")])
    page = open_page(script=script)
    offer(page)
    say(page)
    page.get_by_label("Result of get_weather").fill("sunny")
    page.get_by_role("button", name="Send result").click()
    expect(page.get_by_role("log")).to_contain_text("It is sunny.")
    assert "sunny" in str(script.requests[1].prompt)


def test_mock_results_answer_calls_without_the_user(open_page: Open) -> None:
    script = Script([scripted(CALL), scripted("It is sunny.")])
    page = open_page(script=script)
    offer(page)
    page.get_by_text("Mock results").click()
    page.get_by_label("Results by tool").fill('{"get_weather": {"sky": "clear"}}')
    page.get_by_label("Answer all calls with these").check()
    say(page)
    expect(page.get_by_role("log")).to_contain_text("It is sunny.")
    assert '{"sky":"clear"}' in str(script.requests[1].prompt)


def test_thinking_folds_when_it_is_over(open_page: Open) -> None:
    script = Stepping([ScriptedAnswer(["<think>\nHm.", "\n</think>\n\nHello."])])
    page = open_page(script=script)
    say(page)
    script.released = 1
    thinking = page.locator(".thinking")
    expect(thinking.get_by_text("Hm.")).to_be_visible()
    script.released = 3
    expect(thinking.get_by_text("Hm.")).to_be_hidden()
    thinking.get_by_text("Thought").click()
    expect(thinking.get_by_text("Hm.")).to_be_visible()


def test_an_error_is_shown_with_its_code(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(fails=EngineDied("the worker of m died")))
    say(page)
    expect(page.get_by_role("alert")).to_contain_text("the worker of m died")
    expect(page.get_by_role("alert").locator("code")).to_have_text("engine_died")


def test_an_error_in_the_middle_of_an_answer_leaves_what_was_written(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(["Hel", "lo"], fails=EngineDied("the worker of m died")))
    say(page)
    expect(page.get_by_role("alert")).to_contain_text("the worker of m died")
    expect(page.get_by_role("log")).to_contain_text("Hello")
    expect(page.get_by_role("button", name="Ask again")).to_be_enabled()


def test_wrong_json_is_explained_before_anything_is_sent(open_page: Open) -> None:
    script = Script([scripted("Hi")])
    page = open_page(script=script)
    offer(page, "[{")
    say(page)
    expect(page.get_by_role("alert")).to_contain_text("The tools: this is not JSON.")
    assert not script.requests


def test_an_answer_is_stopped(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(["Hello, "], finish=None))
    say(page)
    expect(page.get_by_role("log")).to_contain_text("Hello, ")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("log")).to_contain_text("Stopped.")
    expect(page.get_by_role("log")).to_contain_text("Hello, ")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def test_messages_are_edited_and_asked_again(open_page: Open) -> None:
    script = Script([scripted("One."), scripted("Two.")])
    page = open_page(script=script)
    say(page, "First")
    answered(page)
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("article").last.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Content").fill("Second")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("log")).to_contain_text("Two.")
    assert "Second" in str(script.requests[1].prompt)
    assert "First" not in str(script.requests[1].prompt)


def test_settings_become_fields_of_the_request(open_page: Open) -> None:
    page = open_page(scripted(CALL))
    offer(page)
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Tool choice").select_option(label="get_weather: exactly this call")
    page.get_by_label("Several calls in one answer").uncheck()
    page.get_by_label("Measure how probable a call is").check()
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Thinking budget").fill("0")
    with page.expect_request("**/v1/chat/completions") as sent:
        say(page)
    body = json.loads(sent.value.post_data or "")
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert (body["parallel_tool_calls"], body["tool_call_probability"]) == (False, True)
    assert (body["temperature"], body["seed"], body["thinking_budget"]) == (0.5, 7, 0)
    assert "top_p" not in body


@pytest.mark.parametrize(
    "pasted",
    [
        {"name": "f", "description": "d", "input_schema": {"type": "object"}},
        [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
        {"tools": [{"name": "f", "description": "d", "inputSchema": {"type": "object"}}]},
        {
            "result": {
                "tools": [{"name": "f", "description": "d", "inputSchema": {"type": "object"}}]
            }
        },
    ],
    ids=["anthropic", "responses", "mcp", "mcp with its envelope"],
)
def test_pasted_tools_of_other_forms_are_rewritten(open_page: Open, pasted: object) -> None:
    page = open_page(scripted("Hi"))
    field = page.get_by_label("Tools on offer")
    field.fill(json.dumps(pasted))
    field.blur()
    expect(page.get_by_label("Tool choice").locator("option").last).to_have_text(
        "f: exactly this call"
    )
    parameters = {"type": "object"}
    function = {"name": "f", "description": "d", "parameters": parameters}
    rewritten = json.dumps([{"type": "function", "function": function}], indent=2)
    expect(field).to_have_value(rewritten)


def test_an_answer_as_json_is_held_to_the_schema(open_page: Open) -> None:
    script = Script([scripted('{"a": 1}')])
    page = open_page(script=script)
    page.get_by_label("Response format").select_option(label="JSON of a schema")
    page.get_by_label("JSON Schema").fill(
        '{"type": "object", "properties": {"a": {"type": "integer"}}}'
    )
    say(page)
    expect(page.get_by_role("log")).to_contain_text('{"a": 1}')
    assert script.requests[0].grammar


def test_a_conversation_is_saved_and_loaded(open_page: Open, tmp_path: Path) -> None:
    page = open_page(scripted("Hi there."))
    offer(page)
    say(page)
    answered(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save", exact=True).click()
    path = tmp_path / "conversation.json"
    saved.value.save_as(path)
    page.get_by_role("button", name="New").click()
    page.get_by_label("Tools on offer").fill("")
    expect(page.get_by_role("article")).to_have_count(0)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load").click()
    chooser.value.set_files(path)
    expect(page.get_by_role("log")).to_contain_text("Hi there.")
    assert "get_weather" in page.get_by_label("Tools on offer").input_value()


def test_a_file_that_is_no_conversation_is_refused(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"a": 1}')
    page = open_page(scripted("Hi"))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load").click()
    chooser.value.set_files(path)
    expect(page.get_by_role("alert")).to_have_text(
        "This file is no conversation that was saved here."
    )


def test_a_call_that_was_cut_off_is_shown_but_not_kept(open_page: Open) -> None:
    page = open_page(ScriptedAnswer([CALL[:50]], finish="length"))
    offer(page)
    say(page)
    expect(page.locator(".call")).to_contain_text("get_weather")
    expect(page.get_by_role("log")).to_contain_text("Cut off")
    expect(page.get_by_label("Result of get_weather")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask again")).to_be_enabled()


def test_a_new_conversation_drops_the_answer_that_is_being_written(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(["Hello, "], finish=None))
    say(page)
    expect(page.get_by_role("log")).to_contain_text("Hello, ")
    page.get_by_role("button", name="New").click()
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("button", name="Call a tool")).to_be_visible()


def test_mock_results_that_are_not_json_are_explained(open_page: Open) -> None:
    page = open_page(scripted(CALL))
    offer(page)
    page.get_by_text("Mock results").click()
    page.get_by_label("Results by tool").fill("{")
    say(page)
    page.get_by_role("button", name="Fill in mock value").click()
    expect(page.get_by_role("alert")).to_contain_text("The mock results: this is not JSON.")


def test_the_last_message_is_asked_for_again(open_page: Open) -> None:
    script = Script([scripted("One."), scripted("Two.")])
    page = open_page(script=script)
    say(page)
    expect(page.get_by_role("log")).to_contain_text("One.")
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("log")).to_contain_text("Two.")
    expect(page.get_by_role("log")).not_to_contain_text("One.")
    own, again = script.requests
    assert again.prompt == own.prompt


@pytest.mark.parametrize(
    ("edited", "reason"),
    [
        ("{", "The message: this is not JSON."),
        ("null", 'A message is an object with a "role".'),
        ('{"role": "assistant", "tool_calls": [1]}', '"tool_calls" is a list of calls'),
        ('{"role": "assistant", "tool_calls": 1}', '"tool_calls" is a list of calls'),
    ],
)
def test_a_message_that_cannot_be_shown_is_not_saved(
    open_page: Open, edited: str, reason: str
) -> None:
    page = open_page(scripted(CALL))
    offer(page)
    say(page)
    expect(page.get_by_label("Result of get_weather")).to_be_visible()
    page.get_by_role("button", name="Edit").last.click()
    page.get_by_label("Message, as JSON").fill(edited)
    expect(page.locator(".editor")).to_contain_text(reason)
    page.locator(".editor").get_by_role("button", name="Save").click()
    expect(page.get_by_label("Message, as JSON")).to_have_value(edited)
