"""How the store reaches its database: in threads, for a limited time, with one error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from gateway.api.responses.stored.database import Database, DatabaseError, Transaction
from gateway.errors import StoreUnavailable

log = logging.getLogger("gateway")

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4
MAX_WAIT_S = 12  # for a database that neither answers nor fails


class Access:
    """Raises StoreUnavailable while `database` fails. The log says when it is lost and found."""

    def __init__(self, database: Database):
        self._database = database
        self._threads = ThreadPoolExecutor(THREADS, "responses")
        self._is_available = True

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns the result of `work`, which uses the database, from a thread."""
        bound = partial(copy_context().run, partial(work, *args, **kwargs))
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._threads, bound), MAX_WAIT_S)
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {MAX_WAIT_S} s") from error

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[Transaction]:
        try:
            with self._database.transaction(writes=writes) as transaction:
                yield transaction
        except DatabaseError as error:
            raise self._unavailable(str(error)) from error
        if not self._is_available:
            log.warning("stored responses are available again")
            self._is_available = True

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._database.close()

    def _unavailable(self, reason: str) -> StoreUnavailable:
        if self._is_available:
            log.error("stored responses are not available: %s", reason)
            self._is_available = False
        return StoreUnavailable()
