"""What tests do with the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from gateway.engine.generation import Delta, Generation, Output
from tests.fakes import TOOLS, Script

WEATHER = json.dumps(TOOLS[:1])


@dataclass
class Stepping(Script):
    """A script whose answers have at most `released` pieces, until more are released."""

    released: int = 0

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        seen = 0
        async for output in super().generate(request):
            if isinstance(output, Delta):
                while seen >= self.released:  # noqa: ASYNC110 - the test is in another thread
                    await asyncio.sleep(0.005)
                seen += 1
            yield output


def offer(page: Page, tools: str = WEATHER) -> None:
    page.get_by_label("Tools on offer").fill(tools)


def call_a_tool(page: Page) -> None:
    """Starts the first example of the empty conversation."""
    page.get_by_role("button", name="Call a tool").click()


def say(page: Page, text: str = "Hello") -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def answered(page: Page) -> None:
    """Waits until nothing runs and the capture is there."""
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("button", name="Save capture")).to_be_enabled()


def pane(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title).filter(has=page.locator("pre, div")).last
