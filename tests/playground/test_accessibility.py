"""The page for people who use a keyboard alone, a screen reader, or a phone."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.fakes import ScriptedAnswer, call, scripted
from tests.playground.conftest import DESKTOP, Open
from tests.playground.steps import answered, offer, say

pytestmark = pytest.mark.page

CALL = call("get_weather", {"city": "Paris"})
PHONE = {"width": 390, "height": 844}


def faults(page: Page) -> list[Any]:
    """The rules of axe-core that the page breaks, with the elements at fault."""
    violations = Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in violations]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_fault(open_page: Open, viewport: object, color_scheme: str) -> None:
    answer = ScriptedAnswer(["Hel", "lo"], forced=1)
    page = open_page(answer, scripted(CALL), viewport=viewport, color_scheme=color_scheme)
    assert faults(page) == []
    is_phone = viewport == PHONE
    if is_phone:
        page.get_by_role("button", name="Settings").click()
    offer(page)
    page.get_by_text("Mock results").click()
    assert faults(page) == []
    if is_phone:
        page.get_by_role("button", name="Conversation").click()
    for text in ("One", "Two"):
        say(page, text)
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_label("Result of get_weather")).to_be_visible()
    assert faults(page) == []
    if is_phone:
        page.get_by_role("button", name="Inspector").click()
        answered(page)
        assert faults(page) == []
    for link in ("Models", "Requests"):
        page.get_by_role("link", name=link).click()
        expect(page.get_by_role("heading", name=link)).to_be_visible()
        assert faults(page) == []
    page.locator(".list a").first.click()
    expect(page.get_by_role("button", name="Save capture")).to_be_enabled()
    assert faults(page) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("view", ["Settings", "Conversation", "Inspector"])
def test_nothing_is_wider_than_a_phone(open_page: Open, view: str) -> None:
    page = open_page(scripted("Hi" * 200), viewport=PHONE)
    say(page, "Hello" * 100)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("button", name=view).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_phone_shows_one_view_at_a_time(open_page: Open) -> None:
    page = open_page(scripted("Hi"), viewport=PHONE)
    views = {"Settings": "Settings", "Conversation": "Chat", "Inspector": "Inspector"}
    for button, shown in views.items():
        page.get_by_role("button", name=button).click()
        for region in views.values():
            visible = page.get_by_role("region", name=region, exact=True)
            expect(visible).to_have_count(int(region == shown))


def test_the_keyboard_alone_suffices(open_page: Open) -> None:
    page = open_page(scripted(CALL), scripted("Sunny."))
    offer(page)
    page.get_by_label("Tools on offer").blur()
    page.keyboard.press("/")
    page.keyboard.type("What is the weather?")
    page.keyboard.press("Enter")
    result = page.get_by_label("Result of get_weather")
    expect(result).to_be_visible()
    tab_to(page, "Result of get_weather")
    page.keyboard.type("sunny")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("Sunny.")
    answered(page)
    tab_to(page, "Written by the model")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".token-note")).to_contain_text('token 1 · "Sunn"')
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Requests")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Stop the answer")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_escape_stops_an_answer(open_page: Open) -> None:
    page = open_page(ScriptedAnswer(["Hello"], finish=None))
    say(page)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("log")).to_contain_text("Stopped.")


def test_hot_keys_of_one_character_can_be_switched_off(open_page: Open) -> None:
    page = open_page(scripted("Hi"))
    page.keyboard.press("?")
    page.get_by_label("Use hot keys of one character").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Requests")).to_have_count(0)
    assert "requests" not in page.url


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until the element with this label has the focus."""
    label = """() => {
        const element = document.activeElement;
        const by = document.getElementById(element.getAttribute("aria-labelledby"));
        return (by ?? element.labels?.[0])?.innerText ?? element.ariaLabel ?? "";
    }"""
    for _ in range(80):
        if page.evaluate(label) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name!r}")
