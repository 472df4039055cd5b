"""The section `responses` of models.yaml: where responses are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from gateway.config.llama import Section

SCHEMES = ("postgresql", "postgres")


class ResponseStorage(Section):
    """Storage of responses, which clients continue with `previous_response_id` or read later."""

    file: Path | None = None
    """SQLite file that survives a restart, relative to models.yaml; by default they are in RAM."""
    url: str | None = None
    """PostgreSQL database that gateways share, as `postgresql://user@host/database`."""
    max_mb: Annotated[int, Field(ge=1, lt=2**24)] = 64
    """Maximum size in MB; 64 MB hold 10,000 turns of 6 KB. The least recently used are deleted."""
    max_days: Annotated[float, Field(gt=0, le=36_500)] = 30
    """Days since its last use after which a response is deleted; 30 as in the OpenAI API."""

    @property
    def fault(self) -> str | None:
        """An invalid combination or URL, as `key: the fault`; never quotes a password."""
        if self.url is None:
            return None
        if self.file is not None:
            return "url: `file` is set too; remove one of them"
        try:
            address = urlsplit(self.url)
            if address.password is not None or "password" in parse_qs(address.query):
                return "url: it has a password; put that into the variable PGPASSWORD or ~/.pgpass"
            is_valid = address.scheme in SCHEMES and address.port != 0
        except ValueError:
            is_valid = False
        return None if is_valid else "url: expected postgresql://user@host/database"
