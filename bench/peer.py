"""Starts llama-server with the same model: from `xllamacpp`, or the binary LLAMA_SERVER.

`python -m bench.peer PORT CONTEXT THREADS TEMPLATE MODEL` runs the one from `xllamacpp`.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bench.bare import SEQUENCES, SOURCE
from bench.gateway import TEMPLATE
from bench.server import Server, serving, unused_port
from gateway.hub.source import locate

BINARY = os.environ.get("LLAMA_SERVER", "")
OURS = "{{ message | turn if message.role == 'assistant' else message.content }}"
PLAIN = """{{ message.content or '' }}
{%- for call in message.tool_calls or [] -%}
    {%- set sent = call.function.arguments -%}
    {{ '\\n' if message.content or not loop.first }}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{
    sent if sent is string else sent | tojson }}}
</tool_call>
{%- endfor -%}"""


@contextmanager
def peer(context: int, threads: int, model: Path | None = None) -> Iterator[Server]:
    """With the embedded model, or another."""
    port, path = unused_port(), str(model or locate(SOURCE, Path()))
    with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
        file.write(template())
        file.flush()
        own = [sys.executable, "-m", "bench.peer", str(port), str(context), str(threads)]
        own += [file.name, path]
        command = _binary(port, context, threads, file.name, path) if BINARY else own
        with serving(command, port) as server:
            yield server


def template() -> str:
    """The template of the gateway, with its own filter replaced by plain Jinja."""
    source = TEMPLATE.read_text()
    assert source.count(OURS) == 1
    return source.replace(OURS, PLAIN)


def name() -> str:
    return BINARY or f"xllamacpp {version('xllamacpp')}"


def features() -> str:
    """The CPU features that it was compiled for; unknown for a binary."""
    if BINARY:
        return "compiled elsewhere"
    import xllamacpp

    return str(xllamacpp.get_system_info())


def _binary(port: int, context: int, threads: int, template: str, path: str) -> list[str]:
    command = [BINARY, "-m", path, "-c", str(context), "-t", str(threads), "-np", str(SEQUENCES)]
    command += ["--kv-unified", "--jinja", "--chat-template-file", template, "--no-webui"]
    return [*command, "--host", "127.0.0.1", "--port", str(port)]


def _serve(port: int, context: int, threads: int, template: str, path: str) -> None:
    """Run the server with its defaults, except for settings that the gateway shares."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = context
    parameters.n_parallel = SEQUENCES
    parameters.kv_unified = True
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.chat_template = Path(template).read_text()
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    signal.sigwait({signal.SIGTERM})
    del server


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
