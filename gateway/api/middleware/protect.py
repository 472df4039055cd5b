"""What each request passes before the application sees it, in one place for all servers."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gateway.admission.admission import Admission
from gateway.admission.key_ring import KeyRing
from gateway.api.middleware.allowed_hosts import AllowedHosts
from gateway.api.middleware.auth import ApiKeys
from gateway.api.middleware.body_limit import BodyLimit
from gateway.api.middleware.body_timeout import BodyTimeout
from gateway.api.middleware.cross_origin import CrossOrigin
from gateway.api.middleware.shutdown import Shutdown
from gateway.config.load import Config

MIB = 2**20


def protect(app: FastAPI, config: Config, keys: KeyRing, admission: Admission) -> None:
    """Makes `app` check keys, or without any hosts and origins, and limit bodies.

    Once `admission` is closed it rejects new requests.
    """
    app.add_middleware(BodyLimit, config.limits.body_mb * MIB, config.limits.bodies_mb * MIB)
    app.add_middleware(ApiKeys, keys)
    if not keys.limits:
        app.add_middleware(CrossOrigin, config.cors)
        app.add_middleware(AllowedHosts, config.hosts)
    app.add_middleware(Shutdown, admission)
    app.add_middleware(BodyTimeout, config.limits.body_s, admission)
    if config.cors:  # outside the auth middleware: preflight requests have no API key
        app.add_middleware(CORSMiddleware, config.cors, ["*"], ["*"], expose_headers=["*"])
