"""Renders the events of an answer as those of a streamed response.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.api.responses.output_items import (
    FunctionCall,
    ItemEvent,
    Message,
    OutputItem,
    Reasoning,
)
from gateway.api.responses.response_object import ResponseObject
from gateway.api.responses.tools import ToolName
from gateway.api.signing import Signer
from gateway.chat import events
from gateway.chat.events import (
    AnswerEvent,
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    FinishReason,
    Logprob,
    Logprobs,
    Started,
    Text,
)
from gateway.chat.json import Object
from gateway.errors import GatewayError

BROKEN_CALL = GatewayError("the model began a call and did not complete it")


class ResponseRenderer:
    """Renders one answer into `response`, whose last state the last event has.

    `tools` are the client's names of the tools. `summarizes` sends reasoning as a summary; `signer`
    adds its `encrypted_content`. A call that is not completed is not in the output, so that no
    client runs half a call.
    """

    def __init__(
        self,
        response: ResponseObject,
        tools: Mapping[str, ToolName] = {},
        *,
        summarizes: bool = False,
        signer: Signer | None = None,
    ):
        self.response = response
        self._tools = tools
        self._summarizes = summarizes
        self._signer = signer
        self._sequence_number = 0
        self._output_index = -1  # of the item that began last
        self._item: OutputItem | None = None  # the one that is open
        self._logprobs: list[Logprob] = []
        self._has_broken_call = False

    def render(self, event: AnswerEvent) -> Iterator[Object]:
        """Yields the events of the stream that `event` becomes."""
        match event:
            case Started():
                yield from self._start()
            case Text(text):
                yield from self._add(text, Message, lambda: Message(self._logprobs))
            case events.Reasoning(text):
                yield from self._add(text, Reasoning, self._reasoning)
            case CallStart(name, id):
                tool = self._tools.get(name) or ToolName(name)
                call = FunctionCall(id or events.call_id(), tool, event.probability)
                yield from self._begin(call)
            case CallArguments(json):
                assert self._item
                yield from self._of_item(self._item.add(json))
            case CallEnd():
                yield from self._end("completed")
            case Logprobs(tokens):
                self._logprobs += tokens
            case Finished():
                yield from self._finish(event)

    def queued(self) -> Iterator[Object]:
        """Yields the events of a response that waits for its turn."""
        yield self._of_response("created")
        yield self._of_response("queued")

    def cancelled(self) -> Iterator[Object]:
        """Yields the events that end the stream of a response that is cancelled."""
        self.response.status = "cancelled"
        yield self._of_response("incomplete")

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the events that end a stream in which `error` has occurred."""
        if not self._sequence_number:
            yield from self._start()
        self.response.fail(error)
        yield self._of_response("failed")

    def _start(self) -> Iterator[Object]:
        self.response.status = "in_progress"
        if not self._sequence_number:
            yield self._of_response("created")
        yield self._of_response("in_progress")

    def _finish(self, finished: Finished) -> Iterator[Object]:
        is_cut_off = finished.reason is FinishReason.LENGTH
        yield from self._close("incomplete" if is_cut_off else "completed")
        if self.response.is_empty and not (is_cut_off or self._has_broken_call):
            yield from self._begin(Message(self._logprobs))
            yield from self._end("completed")
        self.response.finish(finished)
        if self._has_broken_call and not is_cut_off:
            yield from self.failed(BROKEN_CALL)
        else:
            yield self._of_response(self.response.status)

    # -- items

    def _reasoning(self) -> Reasoning:
        return Reasoning(is_summary=self._summarizes, signer=self._signer)

    def _add(
        self, text: str, kind: type[OutputItem], new: Callable[[], OutputItem]
    ) -> Iterator[Object]:
        """Adds to the open item if it is of that kind, or else to a new one."""
        if not isinstance(self._item, kind):
            yield from self._begin(new())
        assert self._item
        yield from self._of_item(self._item.add(text))

    def _begin(self, item: OutputItem) -> Iterator[Object]:
        yield from self._close("completed")
        self._item = item
        self._output_index += 1
        yield from self._of_item(item.begin())

    def _close(self, status: str) -> Iterator[Object]:
        """Ends the item that is open, if any; a call that is still open was not completed."""
        if isinstance(self._item, FunctionCall):
            self._item, self._has_broken_call = None, True
        elif self._item:
            yield from self._end(status)

    def _end(self, status: str) -> Iterator[Object]:
        assert self._item
        for event in self._of_item(self._item.end(status)):
            if event["type"] == "response.output_item.done":
                self.response.output.append(event["item"])
            yield event
        self._item = None

    def _of_item(self, item_events: Iterable[ItemEvent]) -> Iterator[Object]:
        assert self._item
        for name, fields in item_events:
            whose: Object = {} if name.startswith("output_item.") else {"item_id": self._item.id}
            yield self._event(name, {"output_index": self._output_index, **whose, **fields})

    def _of_response(self, name: str) -> Object:
        return self._event(name, {"response": self.response.object()})

    def _event(self, name: str, fields: Object) -> Object:
        number = self._sequence_number
        self._sequence_number += 1
        return {"type": f"response.{name}", "sequence_number": number, **fields}
