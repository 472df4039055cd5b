"""The page of the OpenAPI document loads nothing from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from tests.fakes import gateway, scripted

DOCS = "http://gateway/docs"


class Page(HTMLParser):
    """Collects what a page loads, and the scripts that are written in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline_scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline_scripts += tag == "script" and not given.get("src")
        urls = (given.get(name) for name in ("src", "href", "spec-url"))
        self.loads += [urljoin(DOCS, url) for url in urls if url and not url.startswith("data:")]


async def test_page_loads_only_what_the_gateway_serves() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.get(DOCS)
        page = Page()
        page.feed(answer.text)
        parts = {url: await client.get(url) for url in page.loads}
    assert page.inline_scripts == 0
    assert {urlsplit(url).netloc for url in parts} == {"gateway"}
    assert {urlsplit(url).path for url in parts} == {"/docs/rapidoc-min.js", "/openapi.json"}
    assert all(part.status_code == 200 for part in parts.values())
    script = parts["http://gateway/docs/rapidoc-min.js"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert 'customElements.define("rapi-doc"' in script.text.replace("'", '"')


async def test_browser_refuses_what_is_not_of_the_gateway() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.get(DOCS)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy


async def test_no_other_page_shows_the_document() -> None:
    async with gateway(scripted("Hi")) as client:
        assert (await client.get("http://gateway/redoc")).status_code == 404
