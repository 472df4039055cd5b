"""Makes one response of those of all replicas: metrics, health and readiness."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.chat.json import Object
from gateway.cluster.call import Whole

REPLICA = "replica"  # the label, and Ray's name for it


def metrics(answers: Sequence[Whole]) -> Response:
    """The samples of all replicas, each with the label `replica`."""
    text = generate_latest(_Labelled(answers)).decode()
    return Response(text, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})


class _Labelled:
    """A collector of the metrics in `answers`, for prometheus_client to encode."""

    def __init__(self, answers: Sequence[Whole]):
        self._answers = answers

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for answer in self._answers:
            for family in text_string_to_metric_families(answer.body.decode()):
                merged = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                merged.samples += [
                    one._replace(labels={**one.labels, REPLICA: answer.replica})
                    for one in family.samples
                ]
        yield from families.values()


def health(answers: Sequence[Whole]) -> Response:
    """The health of the gateway: of each replica by its id, and of all together."""
    each: dict[str, Any] = {answer.replica: json.loads(answer.body) for answer in answers}
    wrong: Object = {
        f"{name} on {id}": reason
        for id, one in each.items()
        for name, reason in one["wrong"].items()
    }
    return JSONResponse(
        {
            "status": "degraded" if wrong else "ok",
            "loaded": sorted({name for one in each.values() for name in one["loaded"]}),
            "wrong": wrong,
            "replicas": each,
        }
    )


def first_success(answers: Sequence[Whole]) -> Response:
    """The answer of a replica that succeeded, else that of one that did not."""
    return as_response(min(answers, key=lambda answer: answer.status))


def worst(answers: Sequence[Whole]) -> Response:
    """The answer of a replica that failed, else that of one that did not."""
    return as_response(max(answers, key=lambda answer: answer.status))


def as_response(answer: Whole) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = answer.headers
    return response
