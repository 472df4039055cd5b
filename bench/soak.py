"""Thousands of mixed requests to three models in the memory of two: `make soak`.

COUNT says how many, CLIENTS how many at once. Ends with status 1 if there was any error, or if
memory has grown since the first thousand (with a smaller COUNT, its first fifth): all of it or the
gateway's by 5 % or more, a worker's by 10 %. It is compared at like states: at rest, a worker's
after a prompt that fills its context. That worker may be a new one, which makes a difference of up
to 7 %.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bench.bare import SOURCE
from bench.gateway import TEMPLATE
from bench.mix import COMPLETIONS, Ask, drawn, fault_of
from bench.server import HOST, Server, resident_mb, serving, unused_port

COUNT = int(os.environ.get("COUNT") or 0) or 5000
CLIENTS = int(os.environ.get("CLIENTS") or 0) or 4
FIRST = min(1000, COUNT // 5)
CONTEXTS = {"small": 512, "middle": 1024, "large": 2048}
MEMORY_MB = 750  # any two of them take 624 to 661, all three 967
SPELL = 50  # requests to the same two models
SHOWN = 100
MOST_GROWTH, MOST_OF_WORKER = 0.05, 0.10
PATIENCE_S = 120
LINE = "{:>8} {:>12} {:>12} {:>12}  {}"

Memory = dict[str, float]


class Soak:
    """Clients that share what is left to be asked."""

    def __init__(self, server: Server):
        self.errors: Counter[str] = Counter()
        self.hang_ups = 0
        self._server = server
        self._chance = Random(7)
        self._done = 0
        self._since = time.perf_counter()

    async def ask(self, http: httpx.AsyncClient, count: int) -> None:
        """Ask so many more, `CLIENTS` at once."""
        numbers = iter(range(self._done, self._done + count))

        async def client() -> None:
            for number in numbers:
                await self._ask(http, drawn(self._chance, self._model(number)))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def memory(self, http: httpx.AsyncClient) -> Memory:
        """Resident megabytes, of the gateway and of each model's worker."""
        found = {}
        for model, context in CONTEXTS.items():
            body = {"model": model, "prompt": "word " * (context - 16), "max_tokens": 1}
            (await http.post(COMPLETIONS, json=body)).raise_for_status()
            found[model] = (await _workers(http))[model]
        ours = resident_mb(self._server.process.pid)
        return {"all": ours + sum(found.values()), "gateway": ours, **found}

    def _model(self, number: int) -> str:
        """One of two, which change from spell to spell."""
        names, spell = [*CONTEXTS], number // SPELL
        return names[(spell + self._chance.randrange(2)) % len(names)]

    async def _ask(self, http: httpx.AsyncClient, ask: Ask) -> None:
        try:
            async with asyncio.timeout(ask.patience_s):
                answer = await http.post(ask.path, json=ask.body)
            wrong = fault_of(ask, answer.is_success, answer.content)
        except TimeoutError:
            self.hang_ups += 1
            wrong = ""
        except Exception as error:  # each is a finding, and the others go on
            wrong = type(error).__name__
        if wrong:
            self.errors[f"{ask.kind}: {wrong}"] += 1
        self._done += 1
        if self._done % SHOWN == 0:
            await self._show(http)

    async def _show(self, http: httpx.AsyncClient) -> None:
        rate, self._since = SHOWN / (time.perf_counter() - self._since), time.perf_counter()
        workers = sum((await _workers(http)).values())
        ours, errors = resident_mb(self._server.process.pid), dict(self.errors) or "none"
        row = self._done, f"{rate:.1f}", f"{ours:.1f}", f"{workers:.0f}", errors
        print(LINE.format(*map(str, row)), flush=True)


async def soak(server: Server) -> bool:
    """Whether it went well; prints how it goes."""
    url, waiting = f"http://{HOST}:{server.port}", Soak(server)
    print(LINE.format("requests", "a second", "gateway MB", "workers MB", "errors"))
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        await waiting.ask(http, FIRST)
        before = await waiting.memory(http)
        await waiting.ask(http, COUNT - FIRST)
        after = await waiting.memory(http)
    print(f"\nclients that hung up: {waiting.hang_ups}; errors: {dict(waiting.errors) or 'none'}\n")
    print(f"| MB | after {FIRST} | after {COUNT} | grown by |\n|---|---|---|---|")
    for name in before:
        grown = f"{after[name] / before[name] - 1:.1%}"
        print(f"| {name} | {before[name]:.1f} | {after[name]:.1f} | {grown} |")
    most = {name: MOST_OF_WORKER if name in CONTEXTS else MOST_GROWTH for name in before}
    grew = any(after[name] >= before[name] * (1 + most[name]) for name in before)
    return not (grew or waiting.errors)


async def _workers(http: httpx.AsyncClient) -> Memory:
    """What `GET /metrics` says of them, by their models' names."""
    metrics = (await http.get("/metrics")).raise_for_status().text
    families = text_string_to_metric_families(metrics)
    name = "tool_gateway_worker_resident_memory_bytes"
    samples = (sample for family in families if family.name == name for sample in family.samples)
    return {sample.labels["model"]: sample.value / 2**20 for sample in samples}


@contextmanager
def gateway() -> Iterator[Server]:
    """Three models of one file, whose prefixes go to one folder."""
    kept = {"memory_mb": 1, "folder": "prefixes", "folder_mb": 64}
    entry = {"source": SOURCE, "template": "t", "format": "hermes", "threads": 1}
    models = {
        name: {**entry, "context": context, "prefix_cache": kept}
        for name, context in CONTEXTS.items()
    }
    with tempfile.TemporaryDirectory() as path:
        folder, port = Path(path), unused_port()
        whole = {"memory_mb": MEMORY_MB, "models": models}
        (folder / "models.yaml").write_text(yaml.safe_dump(whole))
        (folder / "templates").mkdir()
        (folder / "templates" / "t.jinja").write_text(TEMPLATE.read_text())
        command = [str(Path(sys.executable).parent / "tool-gateway"), "serve"]
        command += ["--port", str(port), "--config", str(folder / "models.yaml")]
        with serving(command, port) as server:
            yield server


def main() -> None:
    with gateway() as server:
        went_well = asyncio.run(soak(server))
    sys.exit(not went_well)


if __name__ == "__main__":
    main()
