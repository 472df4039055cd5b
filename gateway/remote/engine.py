"""An engine that runs elsewhere and completes text: vLLM, SGLang, llama-server, TGI.

Source: https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from functools import partial

import httpx
import msgspec

from gateway.chat.json import Object
from gateway.chat.request import Sampling
from gateway.config.remote import RemoteOptions
from gateway.engine.engine import EngineInfo, EngineStats, Features, SpecialToken
from gateway.engine.generation import Accepted, Delta, Generation, Output, PromptUsage
from gateway.errors import BadRequest, ModelUnusable, RemoteFailed
from gateway.formats.format import Format
from gateway.remote.control_tokens import control_marks
from gateway.remote.errors import refusal, told
from gateway.remote.grammar import asked_of
from gateway.remote.prompt_text import Spelling
from gateway.remote.stream import Usage, chunks


class Remote:
    """A worker in all but that it has no process: `connect` to it, `generate`, `stop`."""

    def __init__(
        self,
        name: str,
        options: RemoteOptions,
        http: httpx.AsyncClient,
        special: dict[str, int],
        shown: tuple[str, ...],
        context: int,
    ):
        """`shown` are the control tokens that it must not leave out of its text."""
        tokens = [SpecialToken(id, text, True) for text, id in special.items()]
        self.info = EngineInfo(
            context, context, f"remote {name}", tokens, bos="", eos=options.eos, chat_templates={}
        )
        self.is_alive = True
        self.stats, self.resident_bytes = EngineStats(), 0  # unknown
        self.features = Features(
            enforces_grammar=options.grammar != "none",
            limits_thinking=False,
            gives_logprobs=False,
            echoes_prompt=False,
        )
        self._name = name
        self._options = options
        self._http = http
        self._spelling = Spelling(special)
        self._shown = shown

    @classmethod
    async def connect(
        cls,
        name: str,
        url: str,
        options: RemoteOptions,
        template: str,
        format: Format,
        context: int,
    ) -> Remote:
        """Get ready to ask; raises ModelUnusable, and RemoteFailed where a grammar needs ids."""
        find = partial(control_marks, template, format, options.eos, options.special)
        marks = await asyncio.to_thread(find)
        http = _client(url, options)
        special = {mark: id for id, mark in enumerate(marks)}
        name = options.model or name
        try:
            if options.grammar != "none":
                special = await _ids(http, name, options, marks)
        except BaseException:
            await http.aclose()
            raise
        shown = tuple(mark for mark in marks if any(mark in written for written in format.markers))
        return cls(name, options, http, special, shown, context)

    async def generate(self, asked: Generation) -> AsyncGenerator[Output, None]:
        # A grammar may take seconds to compile, in which others go on.
        body = await asyncio.to_thread(self._body, asked)
        usage, counted, finish = Usage(), 0, None
        with told():
            async with self._http.stream("POST", "completions", content=body) as response:
                if response.status_code != 200:
                    raise refusal(response.status_code, await response.aread())
                yield Accepted(0)
                async for chunk in chunks(response.aiter_bytes()):
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        if choice.text:
                            counted += 1
                            yield Delta(choice.text, 1, usage.cached)
                        finish = finish or choice.finish
        if finish is None:
            raise RemoteFailed("the remote engine's stream ended amid the answer")
        tokens = 0 if usage.completion_tokens is None else usage.completion_tokens - counted
        yield PromptUsage(usage.prompt_tokens)
        yield Delta("", tokens, usage.cached, finish)

    async def stop(self) -> None:
        self.is_alive = False
        await self._http.aclose()

    def _body(self, asked: Generation) -> bytes:
        try:
            prompt = self._spelling.text(asked.prompt)
        except KeyError as error:
            why = f"of this model's tokens only control tokens are known, not {error}"
            raise BadRequest(why, param="prompt") from error
        body: Object = {
            "model": self._name,
            "prompt": prompt,
            "max_tokens": asked.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_sampled(asked.sampling),
            # vLLM and SGLang leave control tokens out of the text, and so does llama-server.
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "preserved_tokens": list(self._shown),
        }
        if asked.grammar is not None:
            body |= asked_of(self._options, asked.grammar)
        try:
            return msgspec.json.encode(body)
        except UnicodeEncodeError as error:
            raise BadRequest(f"the text holds half a character: {error}") from error


def _sampled(sampling: Sampling) -> Object:
    """Sampling by the names of the OpenAI API, then by those that engines have beside it."""
    seed: Object = {} if sampling.seed is None else {"seed": sampling.seed}
    return seed | {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "top_k": sampling.top_k or -1,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repeat_penalty,  # vLLM, SGLang, TGI
        "repeat_penalty": sampling.repeat_penalty,  # llama-server
    }


def _client(url: str, options: RemoteOptions) -> httpx.AsyncClient:
    headers = {"Content-Type": "application/json"}
    if options.key:
        if options.key not in os.environ:
            raise ModelUnusable(f"remote.key: the environment has no {options.key}")
        headers["Authorization"] = f"Bearer {os.environ[options.key]}"
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=httpx.Timeout(options.timeout_s, connect=options.connect_s, pool=None),
        limits=httpx.Limits(max_connections=None),
    )


async def _ids(
    http: httpx.AsyncClient, model: str, options: RemoteOptions, marks: list[str]
) -> dict[str, int]:
    """Those of `marks` that are tokens of the engine's vocabulary, with their ids."""
    url = str(http.base_url).rstrip("/").removesuffix("/v1") + "/tokenize"
    special = {}
    for mark in marks:
        if options.grammar == "vllm":
            body = {"model": model, "prompt": mark, "add_special_tokens": False}
        else:
            body = {"content": mark, "add_special": False, "parse_special": True}
        with told():
            response = await http.post(url, json=body)
        if response.status_code != 200:
            raise refusal(response.status_code, response.content)
        match response.json():
            case {"tokens": [int(id)]}:
                special[mark] = id
            case {"tokens": list()}:
                pass
            case _:
                raise RemoteFailed(f"{url} gives no tokens")
    return special
