"""Headless Chromium, with a page of a gateway whose model follows a script."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.fakes import Script, ScriptedAnswer
from tests.served import served

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")  # else Playwright's own
PATIENCE_MS = 60_000  # for what takes a moment on an idle machine
DESKTOP = {"width": 1440, "height": 900}

Open: TypeAlias = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the playground of a gateway whose model gives these answers in turn.

    An error that a script of the page does not catch fails the test.
    """
    failures: list[str] = []
    with ExitStack() as stack:

        def opened(
            *answers: ScriptedAnswer,
            script: Script | None = None,
            viewport: Any = DESKTOP,
            color_scheme: Any = None,
            at: str = "",
            **gateway: Any,
        ) -> Page:
            settings = {"playground": True, **gateway.pop("settings", {})}
            url = stack.enter_context(
                served(script or Script(answers), settings=settings, **gateway)
            )
            context = browser.new_context(viewport=viewport, color_scheme=color_scheme)
            stack.callback(context.close)
            page = context.new_page()
            stack.callback(page.unroute_all, behavior="ignoreErrors")  # a request may be under way
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: failures.append(str(error)))
            page.goto(f"{url}/{at}")
            return page

        yield opened
    assert not failures
