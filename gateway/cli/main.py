"""The command line: serve models, or look at what happens between a request and a model."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from gateway.admission.api_keys import Key, new_key, read_keys
from gateway.api import server
from gateway.api.openai.chat_body import ChatBody, FunctionTool
from gateway.api.openai.chat_request import to_request
from gateway.app import create_app
from gateway.chat.request import Sampling
from gateway.cli.formats import as_markdown, as_table
from gateway.cli.parse import Record, message, replayed
from gateway.cli.ps import Source, watch
from gateway.config.load import Config, Entry, load
from gateway.config.source import locate
from gateway.engine.client import Client
from gateway.errors import BadRequest, ConfigError, GatewayError
from gateway.formats.families import FAMILIES
from gateway.generate.constraint import constraint
from gateway.models.build import assemble, check_template, connected, template_source, vocabulary_of
from gateway.models.model import Model, Worker
from gateway.models.start import start_of
from gateway.observe.logs import LogFormat, set_up
from gateway.prompt.inspect import report
from gateway.prompt.template import Vocabulary

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

ConfigPath = Annotated[Path, typer.Option("--config", help="The file that lists the models.")]
MODELS = Path("models.yaml")


@app.command()
def serve(
    config: ConfigPath = MODELS,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(help="Let in only who has one of these API keys, see `tool-gateway key`."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without keys.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option(help="Say more, for example why a prompt was not found in the cache.")
    ] = False,
    log: Annotated[
        LogFormat, typer.Option(help="How the log is written: a line of text, or of JSON, each.")
    ] = "text",
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Have prompts and answers in the log.")
    ] = False,
) -> None:
    """Serve the models over HTTP.

    Keys can be given in TOOL_GATEWAY_KEYS as well: their lines, with commas or line ends between.
    """
    loaded, known = _load(config), _keys(keys)
    if not (known or insecure):
        server.check_address(host)
    set_up(log, logging.DEBUG if verbose else logging.INFO)
    gc.freeze()  # what stays for ever need not be looked through, for that stops all streams
    served = create_app(loaded, keys=known, path=config, log_prompts=log_prompts)
    server.run(served, host, port, loaded.grace_s)


@app.command()
def ps(
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8000",
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
) -> None:
    """Show what the models of a running gateway do.

    If the gateway asks for a key, give it as TOOL_GATEWAY_KEY in the environment.
    """
    watch(Source(url, os.environ.get("TOOL_GATEWAY_KEY", "")), once=once)


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    rate: Annotated[int | None, typer.Option(min=1, help="The most requests a minute.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="The most requests at once.")
    ] = None,
) -> None:
    """Make an API key, shown this once; what goes into the file of keys is on standard output."""
    secret, made = new_key(name, rate, concurrency)
    print(f"The key, which is not kept anywhere: {secret}", file=sys.stderr, flush=True)
    print(made)


@app.command()
def parse(
    format: Annotated[
        str | None, typer.Option(help="One of those that `tool-gateway formats` lists.")
    ] = None,
    tools: Annotated[
        Path | None, typer.Option(help="A JSON list of tools, as requests have.")
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Read a record from each line, and answer each.")
    ] = False,
) -> None:
    """Read what a model wrote, from standard input, and print the message that it is.

    A record is a JSON object with `text`, and `format` or `template` (the path
    of a chat template). It may have `tools`, `prompt_tail` (the end of the
    prompt, for what it has begun of the answer), `complete` (false if the text
    was cut off) and `chunk` (how many characters arrive together).
    """
    if jsonl == (format is not None) or (jsonl and tools):
        raise BadRequest("give --format, and --tools if you like; or --jsonl alone")
    if jsonl:
        _replay()
    else:
        _print(message(Record(format=format, tools=_tools(tools), text=sys.stdin.read())))


@app.command()
def formats(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/formats.md, which says more.")
    ] = False,
) -> None:
    """List the formats: how each writes a call, what stands around its thoughts, how many calls."""
    if markdown:
        print(as_markdown())
        return
    Console(width=None if sys.stdout.isatty() else 100).print(as_table())


@app.command()
def render(
    model: Annotated[str, typer.Option(help="A model's name in models.yaml.")],
    config: ConfigPath = MODELS,
) -> None:
    """Read a chat request from standard input; print its prompt, its grammar and its trigger."""
    loaded = _load(config)
    own = loaded.name_of(model)
    if own is None:
        raise ConfigError(f"no model {model!r}; {config} has {', '.join(loaded.models)}")
    try:
        body = ChatBody.model_validate({"model": model, **json.loads(sys.stdin.read())})
    except (ValueError, ValidationError) as error:
        raise ConfigError(f"not a chat request: {error}") from error
    entry = loaded.models[own]
    sampling = Sampling(**entry.sampling.model_dump())
    request = to_request(body, sampling, entry.thinking_budget)
    ready = asyncio.run(_assembled(own, entry, loaded.folder))
    if ready.template is None or ready.format is None:
        raise ConfigError(f"{own} makes embeddings: it has no prompt")
    prompt = ready.template.render(request)
    grammar = constraint(request, ready.format, prompt.answer_prefix, ready.special)
    print(f"--- prompt\n{prompt.text}")
    print(f"--- the answer has begun with\n{prompt.answer_prefix!r}")
    print(f"--- grammar\n{grammar or 'none: anything may be written'}")
    print(f"--- trigger\n{ready.format.trigger!r}")


@app.command()
def check(
    config: ConfigPath = MODELS,
    template: Annotated[
        Path | None, typer.Option(help="Report on this chat template, or on that of a GGUF.")
    ] = None,
) -> None:
    """Check models.yaml and every template in it, downloading nothing, and say what was found."""
    if template is not None:
        _report(template, config.parent / "templates")
        return
    loaded = _load(config)
    faults = 0
    for name, entry in loaded.models.items():
        try:
            found = asyncio.run(_checked(name, entry, loaded.folder))
        except GatewayError as error:
            found, faults = f"fault: {error.message}", faults + 1
        print(f"{name}: {found}")
    if faults:
        raise ConfigError(f"{faults} of {len(loaded.models)} models can't be used")


def _report(path: Path, folder: Path) -> None:
    ours = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.jinja"))}
    try:
        if path.suffix == ".gguf":
            source, vocabulary = asyncio.run(_inside(path))
        else:
            source, vocabulary = path.read_text(encoding="utf-8"), Vocabulary("", "", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    for name, found in report(source, vocabulary, ours):
        print(f"{name:<10} {found}")


async def _inside(path: Path) -> tuple[str, Vocabulary]:
    """The chat template and the vocabulary of a GGUF."""
    entry = Entry(source=str(path))
    worker = await Client.start(start_of(entry, path, vocabulary_only=True))
    ready = worker.ready
    await worker.stop()
    source = template_source(entry.template, ready.templates, path.parent)
    return source, vocabulary_of(ready)


async def _checked(name: str, entry: Entry, folder: Path) -> str:
    says = f"template {entry.template}, format {entry.format or 'as the template tells'}"
    says = "embeddings" if entry.embeddings else says
    if entry.is_remote:
        check_template(entry, folder)
        return f"{says}; written at {entry.source}"
    path = await asyncio.to_thread(locate, entry.source, folder, download=False)
    if path is None:
        if entry.template != "gguf":
            check_template(entry, folder)
        return f"{says}; not downloaded yet"
    model = await _assembled(name, entry, folder)
    ready = model.engine.ready
    of = f"{ready.description}, trained on {ready.trained_context} tokens"
    if model.template is None:
        return f"{says}; {of}"
    tools = "shows tools" if model.template.shows_tools else "does NOT show tools to the model"
    needs = f" and demands {model.template.needs}" if str(model.template.needs) else ""
    return f"{says}, which {tools}{needs}; {of}"


async def _assembled(name: str, entry: Entry, folder: Path) -> Model:
    """The model with its vocabulary and template, but no weights."""
    if entry.is_remote:
        worker: Worker = await connected(name, entry, folder)
    else:
        path = await asyncio.to_thread(locate, entry.source, folder)
        assert path is not None
        worker = await Client.start(start_of(entry, path, vocabulary_only=True))
    try:
        return assemble(name, entry, worker, folder)
    finally:
        await worker.stop()


def _keys(path: Path | None) -> tuple[Key, ...]:
    inherited = os.environ.get("TOOL_GATEWAY_KEYS", "").replace(",", "\n")
    keys = read_keys(inherited.splitlines(), "TOOL_GATEWAY_KEYS") if inherited.strip() else ()
    if path is None:
        return keys
    try:
        return keys + read_keys(path.read_text(encoding="utf-8").splitlines(), str(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error


def _replay() -> None:
    lines = faults = 0
    for line in filter(bytes.strip, sys.stdin.buffer):
        answer = replayed(line)
        lines, faults = lines + 1, faults + ("error" in answer)
        print(json.dumps(answer), flush=True)
    if faults:
        raise BadRequest(f"{faults} of {lines} records could not be read")


def _tools(path: Path | None) -> list[FunctionTool] | None:
    if path is None:
        return None
    try:
        return TypeAdapter(list[FunctionTool]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{path} is not a list of tools: {error}") from error


def _load(path: Path) -> Config:
    return load(path, tuple(FAMILIES))


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def main() -> None:
    """Run the command; a mistake of the user's is told without a traceback."""
    try:
        app()
    except GatewayError as error:
        sys.exit(f"error: {error.message}")
