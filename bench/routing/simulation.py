"""A discrete-event simulation of replicas behind a router."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from bench.routing.replica import SLOTS, SimulatedReplica
from bench.routing.routers import Router
from bench.routing.traffic import Conversation, Traffic

REPORT_S = 10.0  # Ray Serve's default; `gateway/cluster/application.py` has less
WARM_UP = 1 / 3  # of the time, which is not counted


@dataclass(slots=True)
class Result:
    """What was seen after the warm-up. `decisions_s` is real time, all else the simulation's."""

    prompt_bytes: int = 0
    cached_bytes: int = 0
    first_token_s: list[float] = field(default_factory=list)
    work_s: list[float] = field(default_factory=list)  # of each replica
    decisions_s: list[float] = field(default_factory=list)

    @property
    def hit_rate(self) -> float:
        """How much of the prompts was cached."""
        return self.cached_bytes / self.prompt_bytes

    @property
    def imbalance(self) -> float:
        """The work of the busiest replica over the average."""
        return max(self.work_s) / statistics.fmean(self.work_s)


MakeRouter = Callable[[int, Random], Router]
Event = Callable[[float], None]


def simulate(replicas: int, traffic: Traffic, router: MakeRouter) -> Result:
    """Sends the traffic to `replicas` until its time is over."""
    return _Simulation(replicas, traffic, router(replicas, Random(replicas))).run()


class _Simulation:
    def __init__(self, replicas: int, traffic: Traffic, router: Router):
        self._router = router
        self._seconds = traffic.seconds
        self._replicas = [SimulatedReplica() for _ in range(replicas)]
        self._ongoing = [0] * replicas
        self._result = Result(work_s=[0.0] * replicas)
        self._events: list[tuple[float, int, Event]] = []
        self._order = count()
        self._at(REPORT_S, self._report)
        for conversation in traffic.conversations:
            self._at(conversation.start_s, self._asking(conversation, 0))

    def run(self) -> Result:
        while self._events and self._events[0][0] < self._seconds:
            now_s, _, event = heappop(self._events)
            event(now_s)
        return self._result

    def _at(self, when_s: float, event: Event) -> None:
        heappush(self._events, (when_s, next(self._order), event))

    def _report(self, now_s: float) -> None:
        self._router.report()
        self._at(now_s + REPORT_S, self._report)

    def _asking(self, conversation: Conversation, number: int) -> Event:
        def asks(asked_s: float) -> None:
            turn = conversation.turns[number]
            key = conversation.key(turn)
            began = time.perf_counter()
            chosen = self._router.choose(key, self._ongoing)
            self._result.decisions_s.append(time.perf_counter() - began)
            replica = self._replicas[chosen]

            def starts(now_s: float) -> None:
                served = replica.start(conversation, turn, now_s)
                self._at(served.end_s, ends)
                if asked_s >= self._seconds * WARM_UP:
                    self._result.prompt_bytes += turn.prompt_bytes
                    self._result.cached_bytes += served.cached_bytes
                    self._result.first_token_s.append(served.first_token_s - asked_s)
                    self._result.work_s[chosen] += served.work_s

            def ends(now_s: float) -> None:
                replica.finish(conversation, turn)
                if number + 1 < len(conversation.turns):
                    self._at(now_s + turn.pause_s, self._asking(conversation, number + 1))
                if replica.waiting:
                    replica.waiting.popleft()(now_s)
                self._ongoing[chosen] = replica.ongoing

            if replica.running < SLOTS:
                starts(asked_s)
            else:
                replica.waiting.append(starts)
            self._ongoing[chosen] = replica.ongoing

        return asks
