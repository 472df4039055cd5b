"""A running gateway, as a chat uses it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias
from urllib.parse import quote

from gateway.cli.server.running_gateway import NoGateway, RunningGateway

CHAT = "/v1/chat/completions"
IGNORED_FIELDS = "x-ignored-fields"
POLL_S = 0.5

Object: TypeAlias = Mapping[str, Any]


class Gateway(RunningGateway):
    """Loads models, asks them, and shows what they are asked."""

    def models(self) -> list[Object]:
        """The models, the default one first; raises NoGateway if the server is another."""
        found = self.json("/v1/models")
        try:
            return sorted(
                found["data"], key=lambda model: "default" not in (model["id"], *model["aliases"])
            )
        except (LookupError, TypeError) as error:
            raise NoGateway(f"the server at {self.url} is no tool-gateway") from error

    def load(self, name: str, on_state: Callable[[Object], None]) -> None:
        """Loads a model, and calls `on_state` with its description meanwhile."""
        if self._model(name)["state"] == "ready":
            return
        outcomes = SimpleQueue[Exception | None]()
        # A daemon, so that Ctrl-C need not wait for a download.
        Thread(target=self._load, args=(name, outcomes), daemon=True).start()
        while True:
            try:
                outcome = outcomes.get(timeout=POLL_S)
                break
            except Empty:
                on_state(self._model(name))
        if outcome:
            raise outcome

    def render(self, body: Object) -> Any:
        """What the model would be asked: prompt, tokens and grammar."""
        return self.post(f"{CHAT}/render", body)

    def ignored_fields(self, body: Object) -> str:
        """The names of the fields that have no effect on a request; refuses what that refuses."""
        return str(self._send("POST", f"{CHAT}/render", body).headers.get(IGNORED_FIELDS, ""))

    def answer(self, body: Object, id: str) -> Generator[Object, None, None]:
        """Yields the chunks of the answer to the request `id`; closing the generator cancels it."""
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        return self.stream(CHAT, asked, id)

    def tokens(self, id: str) -> list[Object]:
        """The tokens that the model generated for the request `id`, as its capture has them."""
        attempts = self.json(f"/captures/{quote(id)}")["attempts"]
        return [token for attempt in attempts for token in attempt["tokens"]]

    def _model(self, name: str) -> Any:
        return self.json(f"/v1/models/{quote(name)}")

    def _load(self, name: str, outcomes: SimpleQueue[Exception | None]) -> None:
        try:
            self.post(f"/v1/models/{quote(name)}/load")
            outcomes.put(None)
        except Exception as error:
            outcomes.put(error)
