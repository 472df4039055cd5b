"""The pages of models and of requests."""

from __future__ import annotations

import pytest
from openai import OpenAI
from playwright.sync_api import Route, expect

from tests.fakes import ScriptedAnswer, chat, scripted
from tests.playground.conftest import Open
from tests.playground.steps import Stepping, pane, say

pytestmark = pytest.mark.page


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


def test_a_download_shows_how_far_it_is(open_page: Open) -> None:
    page = open_page(scripted("Hi"))

    def downloading(route: Route) -> None:
        answer = route.fetch().json()
        progress = {"stage": "downloading", "share": 0.25, "bytes_per_s": 50 * 2**20}
        progress |= {"done_bytes": 2**30, "total_bytes": 4 * 2**30}
        answer["data"][0] |= {"state": "loading", "progress": progress}
        route.fulfill(json=answer)

    page.route("**/v1/models", downloading)
    page.get_by_role("link", name="Models").click()
    bar = page.get_by_role("progressbar", name="downloading, 1.0 of 4.0 GB")
    expect(bar).to_have_js_property("value", 0.25)
    expect(page.get_by_role("listitem")).to_contain_text("50 MB/s")
    expect(page.get_by_role("button", name="Load m")).to_be_disabled()
