"""Soak test: thousands of mixed requests to three models in the memory of two: `make soak`.

COUNT is the number of requests, CLIENTS the number of concurrent clients, HOSTILE the share of
requests with a random body, which may get any error that a client may get (bench/attack). The exit
status is 1 if a request failed, or if memory grew after the first thousand requests (with a smaller
COUNT, after its first fifth): by 5 % or more in total or in the gateway, or by 10 % in a worker.
Memory is measured when idle, and that of a worker after a prompt that fills its context. The worker
may have been restarted in between, which changes its memory by up to 7 %.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.attack.fuzz import is_expected
from bench.attack.random_bodies import RandomBodies
from bench.gateway import gateway_of
from bench.mix import COMPLETIONS, Ask, fault_of, random_request
from bench.server import HOST, Server, resident_mb

COUNT = int(os.environ.get("COUNT") or 0) or 5000
CLIENTS = int(os.environ.get("CLIENTS") or 0) or 4
HOSTILE = float(os.environ.get("HOSTILE") or 0)
FIRST = min(1000, COUNT // 5)
CONTEXTS = {"small": 512, "middle": 1024, "large": 2048}
MEMORY_MB = 750  # any two of them take 624 to 661, all three 967
SPELL = 50  # consecutive requests to the same two models
REPORT_EVERY = 100  # requests
MAX_GROWTH, MAX_WORKER_GROWTH = 0.05, 0.10
PATIENCE_S = 120
MAX_ATTACK_S = 5
LINE = "{:>8} {:>12} {:>12} {:>12}  {}"

Memory = dict[str, float]


class Soak:
    """Concurrent clients that share one sequence of requests."""

    def __init__(self, server: Server):
        self.errors: Counter[str] = Counter()
        self.hang_ups = 0
        self._server = server
        self._chance = Random(7)
        self._random_bodies = RandomBodies(Random(7), [*CONTEXTS])
        self._done = 0
        self._since = time.perf_counter()

    async def ask(self, http: httpx.AsyncClient, count: int) -> None:
        """Send `count` more requests from `CLIENTS` concurrent clients."""
        numbers = iter(range(self._done, self._done + count))

        async def client() -> None:
            for number in numbers:
                if self._chance.random() < HOSTILE:
                    await self._attack(http)
                else:
                    await self._ask(http, random_request(self._chance, self._model(number)))
                await self._count(http)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def memory(self, http: httpx.AsyncClient) -> Memory:
        """Resident memory in MB of the gateway and of each worker."""
        found = {}
        for model, context in CONTEXTS.items():
            body = {"model": model, "prompt": "word " * (context - 16), "max_tokens": 1}
            (await http.post(COMPLETIONS, json=body)).raise_for_status()
            found[model] = (await _workers(http))[model]
        ours = resident_mb(self._server.process.pid)
        return {"all": ours + sum(found.values()), "gateway": ours, **found}

    def _model(self, number: int) -> str:
        """One of two models; the pair changes every `SPELL` requests."""
        names, spell = [*CONTEXTS], number // SPELL
        return names[(spell + self._chance.randrange(2)) % len(names)]

    async def _ask(self, http: httpx.AsyncClient, ask: Ask) -> None:
        try:
            async with asyncio.timeout(ask.patience_s):
                answer = await http.post(ask.path, json=ask.body)
            fault = fault_of(ask, answer.is_success, answer.content)
        except TimeoutError:
            self.hang_ups += 1
            fault = ""
        except Exception as error:  # each is a finding; the other requests go on
            fault = type(error).__name__
        if fault:
            self.errors[f"{ask.kind}: {fault}"] += 1

    async def _attack(self, http: httpx.AsyncClient) -> None:
        path, body = self._random_bodies.next()
        try:
            async with asyncio.timeout(MAX_ATTACK_S):
                answer = await http.post(path, content=body)
            if not is_expected(answer.status_code, answer.headers.get("retry-after")):
                self.errors[f"{path}: {answer.status_code}"] += 1
        except TimeoutError:
            self.hang_ups += 1
        except Exception as error:
            self.errors[f"{path}: {type(error).__name__}"] += 1

    async def _count(self, http: httpx.AsyncClient) -> None:
        self._done += 1
        if self._done % REPORT_EVERY == 0:
            await self._show(http)

    async def _show(self, http: httpx.AsyncClient) -> None:
        rate, self._since = REPORT_EVERY / (time.perf_counter() - self._since), time.perf_counter()
        workers = sum((await _workers(http)).values())
        ours, errors = resident_mb(self._server.process.pid), dict(self.errors) or "none"
        row = self._done, f"{rate:.1f}", f"{ours:.1f}", f"{workers:.0f}", errors
        print(LINE.format(*map(str, row)), flush=True)


async def soak(server: Server) -> bool:
    """Run the test and print its progress; returns whether it passed."""
    url, test = f"http://{HOST}:{server.port}", Soak(server)
    print(LINE.format("requests", "per second", "gateway MB", "workers MB", "errors"))
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        await test.ask(http, FIRST)
        before = await test.memory(http)
        await test.ask(http, COUNT - FIRST)
        after = await test.memory(http)
    print(f"\nclients that hung up: {test.hang_ups}; errors: {dict(test.errors) or 'none'}\n")
    print(f"| MB | after {FIRST} | after {COUNT} | growth |\n|---|---|---|---|")
    for name in before:
        grown = f"{after[name] / before[name] - 1:.1%}"
        print(f"| {name} | {before[name]:.1f} | {after[name]:.1f} | {grown} |")
    limits = {name: MAX_WORKER_GROWTH if name in CONTEXTS else MAX_GROWTH for name in before}
    grew = any(after[name] >= before[name] * (1 + limits[name]) for name in before)
    return not (grew or test.errors)


async def _workers(http: httpx.AsyncClient) -> Memory:
    """Resident memory of the workers from `GET /metrics`, by model."""
    metrics = (await http.get("/metrics")).raise_for_status().text
    families = text_string_to_metric_families(metrics)
    name = "tool_gateway_worker_resident_memory_bytes"
    samples = (sample for family in families if family.name == name for sample in family.samples)
    return {sample.labels["model"]: sample.value / 2**20 for sample in samples}


@contextmanager
def gateway() -> Iterator[Server]:
    """A gateway with three models of one file that share a prefix cache folder."""
    prefix_cache = {"memory_mb": 1, "folder": "prefixes", "folder_mb": 64}
    models = {
        name: {"threads": 1, "context": context, "prefix_cache": prefix_cache}
        for name, context in CONTEXTS.items()
    }
    with gateway_of(models, memory_mb=MEMORY_MB) as server:
        yield server


def main() -> None:
    with gateway() as server:
        passed = asyncio.run(soak(server))
    sys.exit(not passed)


if __name__ == "__main__":
    main()
