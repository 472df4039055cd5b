"""Pictures of the playground with the default model, in build/pictures or in $PICTURES."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.app import create_app
from gateway.config.load import Config, load
from gateway.formats.families import FAMILIES
from tests import numerics
from tests.fakes import REPO
from tests.playground.conftest import DESKTOP
from tests.playground.steps import answered, call_a_tool, pane
from tests.served import hosted

pytestmark = pytest.mark.page

MAX_BYTES = 200_000
PICTURES = REPO / os.environ.get("PICTURES", "build/pictures")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a gateway with the default model."""
    entry = load(REPO / "models.yaml", tuple(FAMILIES)).models["smollm2"]
    entry = entry.model_copy(update={"threads": numerics.NUMERICS.threads})
    config = Config(models={"smollm2": entry}, folder=REPO, playground=True)
    with hosted(create_app(config)) as (url, _):
        yield url


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width", "height"), [("", 1440, 900), ("-phone", 390, 844)])
def test_the_default_model_uses_a_tool(
    browser: Browser, url: str, color_scheme: str, device: str, width: int, height: int
) -> None:
    context = browser.new_context(viewport=DESKTOP, color_scheme=color_scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    call_a_tool(page)
    answered(page)
    page.get_by_role("button", name="New").click()
    call_a_tool(page)  # now its prompt is cached
    answered(page)
    answer_the_call(page)
    page.set_viewport_size({"width": width, "height": height})
    if device:
        page.get_by_role("button", name="Inspector").click()
    expect(pane(page, "Shown to the model").locator("mark").first).to_have_text("<|im_start|>")
    page.mouse.move(0, 0)
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = f"playground{device}{'-dark' if color_scheme == 'dark' else ''}.png"
    page.screenshot(path=PICTURES / name, animations="disabled")
    context.close()


def test_pictures_of_the_documentation_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (REPO / "docs/pictures").iterdir()}
    assert sizes
    assert {name: size for name, size in sizes.items() if size >= MAX_BYTES} == {}


def answer_the_call(page: Page) -> None:
    """Gives the result of the model's call, if it made one, and inspects the call again."""
    fill = page.get_by_role("button", name="Fill in mock value")
    if fill.count():
        fill.click()
        page.get_by_role("button", name="Send result").click()
        answered(page)
        page.get_by_role("button", name="Inspect").first.click()
