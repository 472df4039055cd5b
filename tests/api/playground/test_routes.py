"""GET / for browsers and for others, and the files of the playground."""

from __future__ import annotations

import re

import pytest

from gateway.admission.api_keys import new_key
from gateway.api.playground.routes import STATIC
from tests.fakes import gateway, scripted

ON = {"playground": True}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*"))
HOME = "http://gateway/"


async def test_a_browser_gets_the_playground() -> None:
    async with gateway(scripted("Hi"), ON) as client:
        page = await client.get(HOME, headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "playground/app.js" in page.text
    assert page.headers["vary"] == "Accept"


@pytest.mark.parametrize("settings", [ON, {"playground": False}], ids=["on", "off"])
async def test_other_clients_get_links(settings: dict[str, bool]) -> None:
    async with gateway(scripted("Hi"), settings) as client:
        found = (await client.get(HOME)).json()
        for path in ("documentation", "openapi", "models", "health"):
            assert (await client.get(f"http://gateway{found[path]}")).status_code == 200
    assert (found["name"], set(found)) == (
        "tool-gateway",
        {"name", "version", "documentation", "openapi", "models", "health"},
    )


@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["client", "browser"])
async def test_head_has_the_headers_of_get(headers: dict[str, str]) -> None:
    async with gateway(scripted("Hi"), ON) as client:
        got = await client.get(HOME, headers=headers)
        asked = await client.head(HOME, headers=headers)
    assert (asked.status_code, asked.text) == (200, "")
    assert asked.headers["content-type"] == got.headers["content-type"]


async def test_without_the_playground_a_browser_gets_links_too() -> None:
    async with gateway(scripted("Hi"), {"playground": False}) as client:
        page = await client.get(HOME, headers=BROWSER)
        file = await client.get("http://gateway/playground/app.js")
    assert page.json()["name"] == "tool-gateway"
    assert file.status_code == 404
    assert "playground: true" in file.json()["error"]["message"]


async def test_a_stranger_gets_the_page_but_not_the_version() -> None:
    secret, key = new_key("alice")
    async with gateway(scripted("Hi"), ON, keys=[key]) as client:
        assert (await client.get(HOME, headers=BROWSER)).status_code == 200
        assert (await client.get("http://gateway/playground/app.js")).status_code == 200
        stranger = (await client.get(HOME)).json()
        known = (await client.get(HOME, headers={"Authorization": f"Bearer {secret}"})).json()
        assert (await client.get("http://gateway/captures")).status_code == 401
    assert {**stranger, "version": known["version"]} == known
    assert "version" not in stranger


@pytest.mark.parametrize("file", ["", *FILES])
async def test_every_file_has_a_strict_policy(file: str) -> None:
    path = f"playground/{file}" if file else ""
    async with gateway(scripted("Hi"), ON) as client:
        response = await client.get(HOME + path, headers=BROWSER)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["no.js", "../routes.py", "%2e%2e/routes.py", "style", ""])
async def test_nothing_else_is_a_file(path: str) -> None:
    async with gateway(scripted("Hi"), ON) as client:
        response = await client.get(f"{HOME}playground/{path}")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_an_unchanged_file_is_not_sent_again() -> None:
    async with gateway(scripted("Hi"), ON) as client:
        url = f"{HOME}playground/app.js"
        tag = (await client.get(url)).headers["etag"]
        assert (await client.get(url, headers={"If-None-Match": tag})).status_code == 304


def test_the_page_has_no_inline_code_and_loads_only_its_own_files() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script>|<style|style=|\son\w+=", page)
    named = re.findall(r'(?:src|href)="playground/([^"]+)"', page)
    assert set(named) <= set(FILES)
    assert len(named) > 2


def test_every_imported_module_exists() -> None:
    for path in STATIC.rglob("*.js"):
        for target in re.findall(r'^(?:import|export) .* from "([^"]+)";$', path.read_text(), re.M):
            assert (path.parent / target).is_file(), (path, target)
