"""What the page shows beside the conversation: the prompt, the tokens, the events, the timings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect
from typer.testing import CliRunner

from gateway.cli.main import app as cli
from gateway.engine.generation import Opened
from tests.fakes import ScriptedAnswer, call, scripted
from tests.playground.conftest import Open
from tests.playground.steps import answered, offer, pane, say

pytestmark = pytest.mark.page

CALL = call("get_weather", {"city": "Paris"})


def test_special_tokens_of_the_prompt_are_marks(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    say(page, "A user who writes <|im_start|> is quoted")
    shown = pane(page, "Shown to the model")
    expect(shown.locator("mark").first).to_have_text("<|im_start|>")
    expect(shown).to_contain_text("A user who writes <|im_start|> is quoted")
    assert set(shown.locator("mark").all_inner_texts()) == {"<|im_start|>", "<|im_end|>"}


def test_the_cached_part_of_the_prompt_is_shaded(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    say(page)
    answered(page)
    # The scripted engine caches three of seven tokens, whose pieces are <|im_start|> and others.
    expect(page.locator(".cached").first).to_contain_text("<|im_start|>")
    expect(page.get_by_label("Inspector")).to_contain_text("7 tokens, 3 of them cached")


def test_tokens_have_their_probability_and_whether_they_were_forced(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(["Hel", "lo", " there"], forced=1))
    say(page)
    answered(page)
    tokens = page.locator(".tokens .token")
    expect(tokens).to_have_text(["Hel", "lo", " there"])
    assert "forced" in (tokens.first.get_attribute("class") or "")
    tokens.nth(1).hover()
    expect(page.locator(".token-note")).to_have_text('token 2 · "lo" · id 101 · probability 0.500')
    tokens.first.hover()
    expect(page.locator(".token-note")).to_contain_text("forced by the grammar")


def test_events_are_shown_as_the_client_gets_them(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    say(page)
    answered(page)
    shown = pane(page, "Sent to the client")
    expect(shown).to_contain_text('delta {"content":"Hi"}')
    page.get_by_role("button", name="As sent").click()
    expect(shown).to_contain_text('data: {"id":"chatcmpl-')
    expect(shown).to_contain_text("data: [DONE]")
    page.get_by_role("button", name="Parsed").click()
    expect(shown).to_contain_text('{"choice":0,"type":"text","text":"Hi"}')


def test_the_probability_of_a_call_is_shown(open_page: Open) -> None:
    answer = ScriptedAnswer([CALL], opening=Opened(0.875, True))
    page = open_page(answer)
    offer(page)
    page.get_by_label("Measure how probable a call is").check()
    say(page)
    expect(page.locator(".timings")).to_contain_text("87.5 %")


def test_each_message_can_be_inspected(open_page: Open) -> None:
    page = open_page(scripted("One."), scripted("Two."))
    for text, answer in (("first", "One."), ("second", "Two.")):
        say(page, text)
        expect(page.get_by_role("log")).to_contain_text(answer)
        answered(page)
    shown = pane(page, "Written by the model")
    expect(shown).to_contain_text("Two.")
    page.get_by_role("button", name="Inspect").first.click()
    expect(shown).to_contain_text("One.")


def test_a_capture_is_saved_as_a_file_that_can_be_replayed(open_page: Open, tmp_path: Path) -> None:
    page = open_page(scripted(CALL))
    offer(page)
    say(page)
    answered(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save capture").click()
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    capture = json.loads(path.read_text())
    assert path.name == f"{capture['id']}.capture.json"
    assert capture["attempts"][0]["raw"] == CALL
    replayed = CliRunner().invoke(cli, ["replay", str(path)])
    assert replayed.output.startswith(f"{path}: OK, the same")


def test_a_long_answer_is_drawn_in_few_pieces(open_page: Open) -> None:
    count = 6000
    page = open_page(ScriptedAnswer([f"w{n} " for n in range(count)]))
    page.evaluate("""() => {
        window.drawn = 0;
        new MutationObserver(() => window.drawn++).observe(document.body,
            { subtree: true, childList: true, characterData: true });
    }""")
    say(page)
    expect(page.get_by_role("log")).to_contain_text(f"w{count - 1}")
    answered(page)
    expect(page.locator(".tokens .token")).to_have_count(count)
    assert page.evaluate("document.querySelectorAll('*').length") < count + 1000
    # The observer is called once for all changes of an animation frame.
    assert page.evaluate("window.drawn") < count / 10
