"""The gateway that a chat talks to: one that runs, or one of the chat's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.chat.client import Gateway
from gateway.cli.chat.own_gateway import own_gateway
from gateway.cli.chat.screen import Screen
from gateway.cli.options import DEFAULT_URL
from gateway.cli.server.running_gateway import NoGateway
from gateway.errors import BadRequest
from gateway.hub.reference import is_hub_model


@dataclass(frozen=True, slots=True)
class Target:
    """What to talk to: a model of a gateway at `url`, of `config`, or one that no gateway has yet.

    Without `url` and `config`, it is a model of the gateway at `DEFAULT_URL` or, if none answers
    there, of one that is started.
    """

    model: str | None
    url: str | None
    config: Path | None
    key: str

    @property
    def is_file(self) -> bool:
        """Whether `model` is a file, here or on Hugging Face, as `tool-gateway serve` takes it."""
        return self.model is not None and (self.model.endswith(".gguf") or is_hub_model(self.model))


@contextmanager
def connect(target: Target, screen: Screen) -> Iterator[Gateway]:
    """The gateway that has the model; raises GatewayError."""
    needs_own = target.config is not None or target.is_file
    if target.url and needs_own:
        raise BadRequest("--url names a gateway, but --config and a file need one of their own")
    if target.config and target.is_file:
        raise BadRequest(
            f"chat either with {target.model} or with a model of --config {target.config}"
        )
    if not needs_own:
        running = Gateway(target.url or DEFAULT_URL, target.key)
        if _answers(running, is_required=target.url is not None):
            yield running
            return
    arguments = [*_arguments(target)]
    with ExitStack() as stack:
        with screen.waiting("starting a gateway"):
            own = stack.enter_context(own_gateway(*arguments))
        yield own


def _arguments(target: Target) -> Iterator[str]:
    """The arguments of `tool-gateway serve`; a model on Hugging Face is downloaded before."""
    from gateway.cli.files.shown_download import fetched_source

    if target.config:
        yield f"--config={target.config}"
    if target.model and target.is_file:
        yield fetched_source(target.model)


def _answers(gateway: Gateway, *, is_required: bool) -> bool:
    try:
        gateway.models()
    except NoGateway:
        if is_required:
            raise
        return False
    return True
