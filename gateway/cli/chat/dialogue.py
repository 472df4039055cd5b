"""Asks a model, executes its tool calls, and goes on until it answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain

from gateway.cli.chat.answer import Answer, Message
from gateway.cli.chat.client import Gateway
from gateway.cli.chat.conversation import Conversation
from gateway.cli.chat.functions_file import execute
from gateway.cli.chat.screen import Screen
from gateway.functions.schema import Function

MAX_ROUNDS = 10  # of calls; then the model must answer
REFUSED = '{"error": "the user did not allow this call"}'


@dataclass
class Dialogue:
    """A conversation with a model; `allows(call)` decides whether a call is executed."""

    gateway: Gateway
    conversation: Conversation
    screen: Screen
    allows: Callable[[str], bool]
    functions: Mapping[str, Function] = field(default_factory=dict)
    request_id: str = ""  # of the last request

    def ask(self, question: str) -> Answer:
        """Appends a question and its answer to the conversation.

        Raises GatewayError, and KeyboardInterrupt if the user cancels. The question is then
        removed again, unless the model has begun to answer it.
        """
        messages = self.conversation.messages
        before = len(messages)
        messages.append({"role": "user", "content": question})
        answer = Answer()
        try:
            for round in range(MAX_ROUNDS + 1):
                answer = Answer()
                self._stream(answer, may_call=round < MAX_ROUNDS)
                messages.append(answer.message)
                if not answer.calls:
                    break
                messages += [self._result(call) for call in answer.calls]
        except BaseException:
            if answer.text and not answer.finish:
                messages.append({"role": "assistant", "content": answer.text})
            else:
                del messages[before:]
            raise
        finally:
            self.screen.end()
        return answer

    def _stream(self, answer: Answer, *, may_call: bool) -> None:
        body = self.conversation.body()
        if self.functions and not may_call:
            body["tool_choice"] = "none"
        self.request_id = uuid.uuid4().hex
        with closing(self.gateway.answer(body, self.request_id)) as chunks:
            events = chain.from_iterable(map(answer.feed, chunks))
            with self.screen.waiting(""):
                first = next(events, None)
            for event in chain([first] if first else [], events):
                self.screen.event(event)

    def _result(self, call: Message) -> Message:
        """The message with the result of a call."""
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        text = execute(self.functions, name, arguments) if self.allows(name) else REFUSED
        self.screen.result(text)
        return {"role": "tool", "tool_call_id": call["id"], "content": text}
