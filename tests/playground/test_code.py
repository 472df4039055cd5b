"""The request of a conversation, as code to be copied."""

from __future__ import annotations

import shlex
import subprocess
import sys

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.fakes import Script, call, scripted
from tests.playground.conftest import Open
from tests.playground.steps import answered, offer, say

pytestmark = pytest.mark.page

CALL = call("get_weather", {"city": "Paris"})


def run_curl(code: str, _: Page) -> str:
    """Does what curl does, which is not on every machine."""
    command, url, *options = shlex.split(code)
    assert command == "curl"
    given = [*zip(options[::2], options[1::2], strict=True)]
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    [body] = [value for name, value in given if name == "-d"]
    return httpx.post(url, headers=headers, content=body).text


def run_python(code: str, _: Page) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def run_javascript(code: str, page: Page) -> str:
    """Runs it in the page, whose browser is the one JavaScript engine on every machine."""
    with page.expect_console_message() as printed:
        page.evaluate(f"async () => {{ {code} }}")
    return printed.value.text


RUN = {"curl": run_curl, "Python": run_python, "JavaScript": run_javascript}


def as_code(page: Page, language: str) -> str:
    """The request that the conversation makes, in this language."""
    page.get_by_role("button", name="Copy as code").click()
    page.get_by_role("button", name=language, exact=True).click()
    return page.get_by_label(f"The request as {language}").inner_text()


@pytest.mark.parametrize("language", RUN)
def test_a_request_as_code_is_the_same_request(open_page: Open, language: str) -> None:
    script = Script([scripted(CALL)])
    page = open_page(script=script)
    offer(page)
    page.get_by_label("System prompt").fill('It\'s "quoted" and\nbroken.')
    page.get_by_label("Thinking budget").fill("0")
    page.get_by_label("Several calls in one answer").uncheck()
    say(page)
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("article").last.get_by_role("button", name="Delete").click()
    assert "get_weather" in RUN[language](as_code(page, language), page)
    own, again = script.requests
    assert (again.prompt, again.grammar) == (own.prompt, own.grammar)


@pytest.mark.parametrize("language", RUN)
def test_code_has_a_variable_instead_of_the_key(open_page: Open, language: str) -> None:
    page = open_page(scripted("Hi"))
    page.evaluate("sessionStorage.setItem('tool-gateway key', 'tg-secret')")
    page.reload()
    say(page)
    answered(page)
    code = as_code(page, language)
    assert "TOOL_GATEWAY_KEY" in code
    assert "tg-secret" not in code


def test_code_is_copied(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    say(page)
    answered(page)
    code = as_code(page, "Python")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
