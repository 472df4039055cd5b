"""Who may use the page, and what a page or a text of another origin can do with it: nothing."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gateway.admission.api_keys import new_key
from tests.fakes import Script, call, scripted
from tests.playground.conftest import Open
from tests.playground.steps import answered, offer, pane, say

pytestmark = pytest.mark.page

IMAGE = "<img src=x onerror=\"document.title='owned'\">"


def test_a_key_is_asked_for_and_used(open_page: Open) -> None:
    secret, key = new_key("alice")
    page = open_page(scripted("Hi"), keys=[key])
    dialog = page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key").fill("tg-wrong")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_contain_text("does not know this key")
    dialog.get_by_label("Key").fill(secret)
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_have_count(0)
    say(page)
    answered(page)
    expect(pane(page, "Shown to the model")).to_contain_text("Hello")
    page.reload()
    expect(page.get_by_label("Model", exact=True)).to_have_value("m")
    assert page.evaluate("localStorage.length") == 0


def test_the_key_is_asked_for_until_there_is_one(open_page: Open) -> None:
    page = open_page(scripted("Hi"), keys=[new_key("alice")[1]])
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog).to_be_visible()


def test_a_key_for_one_request_at_a_time_suffices(open_page: Open) -> None:
    secret, key = new_key("alice", concurrency=1)
    page = open_page(scripted("Hi"), keys=[key])
    page.get_by_role("textbox", name="Key").fill(secret)
    page.get_by_role("button", name="Use this key").click()
    say(page)
    answered(page)
    expect(pane(page, "Shown to the model")).to_contain_text("Hello")
    expect(page.get_by_role("log")).to_contain_text("Hi")


def test_text_of_a_model_is_never_html(open_page: Open) -> None:
    page = open_page(scripted(IMAGE), scripted(call("get_weather", {"city": IMAGE})))
    offer(page)
    page.get_by_label("System prompt").fill(IMAGE)
    for _ in range(2):
        say(page, IMAGE)
        answered(page)
    page.get_by_label("Result of get_weather").fill(IMAGE)
    expect(page.get_by_role("log").locator(".message.assistant").first).to_contain_text(IMAGE)
    page.goto(page.url.split("#")[0] + "#/requests")
    page.locator(".list a").first.click()
    expect(pane(page, "Shown to the model")).to_contain_text(IMAGE)
    assert page.locator("img[src=x]").count() == 0
    assert page.title() == "tool-gateway"


def test_the_browser_refuses_to_turn_text_into_html(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    write = "text => { document.body.innerHTML = text }"
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate(write, IMAGE)


def test_nothing_is_loaded_from_elsewhere(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    origins = set()
    page.on("request", lambda request: origins.add(request.url.split("/")[2]))
    page.reload()
    say(page)
    answered(page)
    assert origins == {page.url.split("/")[2]}
    with page.expect_event("console", lambda message: "Content Security Policy" in message.text):
        page.evaluate("() => void fetch('http://192.0.2.1/').catch(() => {})")


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[str]:
    """The URL of a site of another origin that has an empty page."""
    (tmp_path / "index.html").write_text("<!doctype html><title>foreign</title>")
    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("path", ["captures", "v1/models", "playground/app.js"])
def test_a_page_of_another_origin_reads_nothing(open_page: Open, foreign: str, path: str) -> None:
    page = open_page(scripted("Hi"))
    url = page.url
    page.goto(foreign)
    read = "url => fetch(url).then(response => response.text()).catch(() => 'refused')"
    assert page.evaluate(read, url + path) == "refused"


def test_a_page_of_another_origin_asks_nothing(open_page: Open, foreign: str) -> None:
    script = Script([scripted("Hi")])
    page = open_page(script=script)
    url = page.url
    page.goto(foreign)
    # A simple request, which a browser sends without asking the gateway.
    body = '{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    send = "([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body}).then(() => 'sent')"
    assert page.evaluate(send, [f"{url}v1/chat/completions", body]) == "sent"
    assert not script.requests


def test_a_page_of_another_origin_cannot_frame_it(open_page: Open, foreign: str) -> None:
    page = open_page(scripted("Hi"))
    url = page.url
    page.goto(foreign)
    page.evaluate(
        """url => new Promise(resolve => {
            const frame = document.createElement('iframe');
            frame.onload = resolve;
            frame.src = url;
            document.body.append(frame);
        })""",
        url,
    )
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
