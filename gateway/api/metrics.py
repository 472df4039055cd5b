"""GET /metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from gateway.admission.admission import Admission
from gateway.api.metrics_page import Readings
from gateway.models.registry import Registry

router = APIRouter()


@router.get("/metrics", response_class=Response)
async def metrics(http: Request) -> Response:
    """What the gateway and its workers did and do; docs/metrics.md says what each number is."""
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    encode, kind = choose_encoder(http.headers.get("accept", ""))
    return Response(encode(Readings(registry, admission)), headers={"content-type": kind})
