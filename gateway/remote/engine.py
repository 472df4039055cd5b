"""A remote engine with an OpenAI-compatible /v1/completions: vLLM, SGLang, llama-server, TGI.

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
from gateway.engine.generation import Accepted, Delta, Generation, Output, PromptUsage, Tokens
from gateway.errors import BadRequest, ModelUnusable, RemoteFailed
from gateway.formats.format import Format
from gateway.remote.control_tokens import find_control_tokens
from gateway.remote.errors import connection_errors, status_error
from gateway.remote.grammar import grammar_field
from gateway.remote.prompt_text import PromptText
from gateway.remote.stream import Usage, chunks


class RemoteEngine:
    """One model of a remote completion server; see `TextEngine`."""

    def __init__(
        self,
        name: str,
        options: RemoteOptions,
        http: httpx.AsyncClient,
        special: dict[str, int],
        preserved: tuple[str, ...],
        context: int,
    ):
        """`special` has the ids of the control tokens by their texts.

        `preserved` are those that the server must keep in the text that it returns.
        """
        tokens = [SpecialToken(id, text, True) for text, id in special.items()]
        self.info = EngineInfo(
            context, context, f"remote {name}", tokens, bos="", eos=options.eos, chat_templates={}
        )
        self.is_alive = True
        self.stats, self.resident_bytes = EngineStats(), 0  # unknown
        self.features = Features(
            enforces_grammar=options.grammar != "none",
            holds_text=False,
            limits_thinking=False,
            gives_logprobs=False,
            echoes_prompt=False,
            weighs_openings=False,
            tells_tokens=False,
        )
        self._name = name
        self._options = options
        self._http = http
        self._prompt_text = PromptText(special)
        self._preserved = preserved

    @classmethod
    async def connect(
        cls,
        name: str,
        url: str,
        options: RemoteOptions,
        template: str,
        format: Format,
        context: int,
    ) -> RemoteEngine:
        """Finds the control tokens and opens a client.

        If the engine enforces grammars, requests the ids of the tokens, which grammars need. Raises
        ModelUnusable and RemoteFailed.
        """
        find = partial(find_control_tokens, template, format, options.eos, options.special)
        control_tokens = await asyncio.to_thread(find)
        http = _client(url, options)
        special = {token: id for id, token in enumerate(control_tokens)}
        name = options.model or name
        try:
            if options.grammar != "none":
                special = await _token_ids(http, name, options, control_tokens)
        except BaseException:
            await http.aclose()
            raise
        preserved = tuple(
            token for token in control_tokens if any(token in marker for marker in format.markers)
        )
        return cls(name, options, http, special, preserved, context)

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        # Compiling a grammar may take seconds, in which other requests go on.
        body = await asyncio.to_thread(self._body, request)
        usage, counted, finish = Usage(), 0, None
        with connection_errors():
            async with self._http.stream("POST", "completions", content=body) as response:
                if response.status_code != 200:
                    raise status_error(response.status_code, await response.aread())
                yield Accepted(0)
                async for chunk in chunks(response.aiter_bytes()):
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        if choice.text:
                            counted += 1
                            yield Delta(choice.text, 1, usage.cached)
                        finish = finish or choice.finish
        if finish is None:
            raise RemoteFailed("the remote engine's stream ended before the answer was complete")
        tokens = 0 if usage.completion_tokens is None else usage.completion_tokens - counted
        yield PromptUsage(usage.prompt_tokens)
        yield Delta("", tokens, usage.cached, finish)

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        raise BadRequest("this model's engine is remote and does not tell the tokens of a prompt")

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        raise BadRequest("this model's engine is remote and does not tell the text of tokens")

    async def stop(self) -> None:
        self.is_alive = False
        await self._http.aclose()

    def _body(self, request: Generation) -> bytes:
        try:
            prompt = self._prompt_text.render(request.prompt)
        except KeyError as error:
            raise BadRequest(
                f"unknown token id {error} in the prompt: of a remote model only control tokens are"
                " known; send the prompt as text",
                param="prompt",
            ) from error
        body: Object = {
            "model": self._name,
            "prompt": prompt,
            "max_tokens": request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_sampling_fields(request.sampling),
            # By default vLLM, SGLang and llama-server omit control tokens from the text.
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "preserved_tokens": list(self._preserved),
        }
        if request.grammar is not None:
            body |= grammar_field(self._options, request.grammar)
        try:
            return msgspec.json.encode(body)
        except UnicodeEncodeError as error:
            raise BadRequest(f"the text contains an unpaired UTF-16 surrogate: {error}") from error


def _sampling_fields(sampling: Sampling) -> Object:
    """Returns the sampling parameters, by the names of the OpenAI API and of each engine."""
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
            raise ModelUnusable(f"remote.key: the environment variable {options.key} is not set")
        headers["Authorization"] = f"Bearer {os.environ[options.key]}"
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=httpx.Timeout(options.timeout_s, connect=options.connect_s, pool=None),
        limits=httpx.Limits(max_connections=None),
    )


async def _token_ids(
    http: httpx.AsyncClient, model: str, options: RemoteOptions, texts: list[str]
) -> dict[str, int]:
    """Returns the ids of those `texts` that are one token of the engine's vocabulary."""
    url = str(http.base_url).rstrip("/").removesuffix("/v1") + "/tokenize"
    special = {}
    for text in texts:
        if options.grammar == "vllm":
            body = {"model": model, "prompt": text, "add_special_tokens": False}
        else:
            body = {"content": text, "add_special": False, "parse_special": True}
        with connection_errors():
            response = await http.post(url, json=body)
        if response.status_code != 200:
            raise status_error(response.status_code, response.content)
        match response.json():
            case {"tokens": [int(id)]}:
                special[text] = id
            case {"tokens": list()}:
                pass
            case _:
                raise RemoteFailed(f"{url} returned no list of tokens")
    return special
