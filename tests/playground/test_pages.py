"""The pages of models and of requests, and requests as code."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
from openai import OpenAI
from playwright.sync_api import Page, expect

from tests.fakes import Script, ScriptedAnswer, call, chat, scripted
from tests.playground.conftest import Open
from tests.playground.steps import Stepping, answered, offer, pane, say

pytestmark = pytest.mark.page

CALL = call("get_weather", {"city": "Paris"})


def test_models_are_loaded_and_unloaded(open_page: Open) -> None:
    page = open_page(scripted("Hi"), at="#/models")
    card = page.get_by_role("listitem").filter(has_text="hermes")
    expect(card).to_contain_text("unloaded")
    card.get_by_role("button", name="Load m").click()
    expect(card.get_by_text("ready")).to_be_visible()
    card.get_by_role("button", name="Unload m").click()
    expect(card.get_by_text("unloaded")).to_be_visible()


def test_a_model_that_fails_to_load_says_why(open_page: Open) -> None:
    page = open_page(scripted("Hi"), source="no/such.gguf", at="#/models")
    page.get_by_role("button", name="Load m").click()
    expect(page.get_by_role("alert")).to_contain_text("there is no file")


def test_requests_of_other_clients_are_inspected(open_page: Open) -> None:
    page = open_page(scripted("Hi there."))
    client = OpenAI(base_url=f"{page.url}v1", api_key="none")
    client.chat.completions.create(**chat())
    page.get_by_role("link", name="Requests").click()
    page.get_by_role("link", name="Hi there.").click()
    expect(pane(page, "Shown to the model").locator("mark").first).to_have_text("<|im_start|>")
    expect(pane(page, "Written by the model")).to_contain_text("Hi there.")
    expect(pane(page, "Sent to the client")).to_contain_text('"object": "chat.completion"')
    page.get_by_text("Body of the request").click()
    expect(page.get_by_label("Inspector")).to_contain_text('"content": "Hello"')


def test_a_request_that_is_running_is_followed(open_page: Open) -> None:
    script = Stepping([ScriptedAnswer(["Hel", "lo"])], released=1)
    page = open_page(script=script)
    say(page)
    expect(page.get_by_role("log")).to_contain_text("Hel")
    page.get_by_role("link", name="Requests").click()
    page.locator(".list a").click()
    written = pane(page, "Written by the model")
    expect(written).to_contain_text("Hel")
    expect(page.get_by_role("button", name="Save capture")).to_be_disabled()
    script.released = 3
    expect(written).to_contain_text("Hello")
    expect(page.get_by_role("button", name="Save capture")).to_be_enabled()


@pytest.mark.parametrize("at", ["#/requests/gone", "#/requests/%", "#/nowhere", "#"])
def test_an_address_that_means_nothing_is_no_blank_page(open_page: Open, at: str) -> None:
    page = open_page(scripted("Hi"), at=at)
    expect(page.get_by_label("Inspector")).to_be_visible()


def test_a_full_storage_costs_only_what_a_reload_would_keep(open_page: Open) -> None:
    page = open_page(scripted("Hi there."))
    page.evaluate("""() => {
        Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    }""")
    say(page)
    expect(page.get_by_role("log")).to_contain_text("Hi there.")


def as_code(page: Page, language: str) -> str:
    """The request that the conversation would make, in this language."""
    page.get_by_role("button", name="Copy as code").click()
    page.get_by_role("button", name=language, exact=True).click()
    return page.get_by_label(f"The request as {language}").inner_text()


def with_all_settings(page: Page) -> None:
    offer(page)
    page.get_by_label("System prompt").fill('It\'s "quoted" and\nbroken.')
    page.get_by_label("Thinking budget").fill("0")
    page.get_by_label("Several calls in one answer").uncheck()


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("curl", lambda code: shlex.split(code)),
        ("Python", lambda code: [sys.executable, "-c", code]),
        ("JavaScript", lambda code: ["node", "--input-type=module", "-e", code]),
    ],
    ids=["curl", "python", "javascript"],
)
def test_a_request_as_code_makes_the_same_request(open_page: Open, language: str, command) -> None:  # type: ignore[no-untyped-def]
    script = Script([scripted(CALL)])
    page = open_page(script=script)
    with_all_settings(page)
    say(page)
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("article").last.get_by_role("button", name="Delete").click()
    ran = subprocess.run(
        command(as_code(page, language)), capture_output=True, text=True, timeout=60, check=True
    )
    assert "get_weather" in ran.stdout
    own, again = script.requests
    assert again.prompt == own.prompt
    assert again.grammar == own.grammar


def test_code_names_the_key_but_does_not_have_it(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    page.evaluate("sessionStorage.setItem('tool-gateway key', 'tg-secret')")
    page.reload()
    say(page)
    answered(page)
    code = as_code(page, "curl")
    assert "$TOOL_GATEWAY_KEY" in code
    assert "tg-secret" not in json.dumps([code, as_code_again(page)])


def as_code_again(page: Page) -> str:
    page.get_by_role("button", name="Python", exact=True).click()
    return page.get_by_label("The request as Python").inner_text()
