"""Stores responses, so that clients can continue and read them later."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from gateway.api.responses.stored.access import Access
from gateway.api.responses.stored.database import Database, Transaction
from gateway.chat.json import Object, json_text
from gateway.errors import BadRequest, NotFound

DAY_S = 86_400
MAX_TURNS = 100_000  # of one conversation; only a broken database has more
MAX_SILENCE_S = 30  # of a gateway, until the responses that it generates count as failed
EVICTED_AT_ONCE = 100  # responses, at most

FAILED: Object = {
    "status": "failed",
    "error": {"code": "server_error", "message": "the gateway that generated it has stopped"},
}

CONVERSATION = """
WITH RECURSIVE turns (id, previous, age) AS (
    SELECT id, previous, 0 FROM responses WHERE id = $1 AND owner = $2
    UNION ALL
    SELECT earlier.id, earlier.previous, age + 1 FROM turns
    JOIN responses AS earlier ON earlier.id = turns.previous AND earlier.owner = $2
    WHERE age < $3
)
"""
EVICT = """
DELETE FROM responses WHERE id IN (
    SELECT id FROM (
        SELECT id, SUM(bytes) OVER (ORDER BY used_s, id) - bytes AS before
        FROM (SELECT id, bytes, used_s FROM responses ORDER BY used_s, id LIMIT $2) AS oldest
    ) AS summed
    WHERE before < $1
)
"""


class ResponseStore:
    """Responses and their items; each belongs to its owner, and no other finds it.

    The owner is the name of an API key, or empty. `max_bytes` and `max_days`, the days since its
    last use, bound what is kept: the least recently used responses are deleted. Gateways that use
    the same `database` share all of it. Safe to use from threads; in the event loop, use `run`.
    Any method raises StoreUnavailable, the constructor DatabaseError.
    """

    def __init__(
        self,
        database: Database,
        *,
        max_bytes: int = 64 * 2**20,
        max_days: float = 30,
        now_s: Callable[[], float] = time.time,
    ):
        self._access = Access(database)
        self.run = self._access.run
        self._max_bytes = max_bytes
        self._max_age_s = max_days * DAY_S
        self._now_s = now_s
        self._gateway = secrets.token_hex(16)
        with database.transaction(writes=True) as transaction:
            self.key = _kept_key(transaction)  # which signs what clients keep

    def close(self) -> None:
        self._access.close()

    def put(self, owner: str, response: Object, items: Sequence[Object]) -> None:
        """Stores a response and the `items` of its input, each with an id."""
        with self._access.transaction(writes=True) as transaction:
            self._put(transaction, owner, response, items)

    def response(self, owner: str, id: str) -> Object:
        """Returns a response; raises NotFound."""
        with self._access.transaction() as transaction:
            return self._response(transaction, owner, id)

    def input_items(self, owner: str, id: str) -> list[Object]:
        """Returns the items of the input of one response; raises NotFound."""
        with self._access.transaction() as transaction:
            _check_is_stored(transaction, owner, id)
            return _items(transaction, id, is_output=False)

    def conversation(self, owner: str, id: str) -> list[Object]:
        """Returns all items up to the end of a response, which all count as used now.

        Raises BadRequest if a response of the conversation is not stored, or not complete.
        """
        named = id, owner, MAX_TURNS
        with self._access.transaction(writes=True) as transaction:
            turns = transaction.execute(
                f"{CONVERSATION} SELECT turns.id, previous FROM turns WHERE NOT EXISTS"
                " (SELECT * FROM running WHERE response = turns.id) ORDER BY age",
                *named,
            )
            missing = turns[-1][1] if turns and turns[0][0] == id else id
            if missing is not None:
                raise BadRequest(
                    f"previous_response_id: the response {missing!r} is not stored, or not"
                    " complete",
                    param="previous_response_id",
                    code="previous_response_not_found",
                )
            transaction.execute(
                f"{CONVERSATION} UPDATE responses SET used_s = $4"
                " WHERE id IN (SELECT id FROM turns)",
                *named,
                self._now_s(),
            )
            return _decoded(
                transaction.execute(
                    f"{CONVERSATION} SELECT items.body FROM turns JOIN items ON response = turns.id"
                    " ORDER BY age DESC, position",
                    *named,
                )
            )

    def items(self, owner: str, ids: Iterable[str]) -> dict[str, Object]:
        """Returns those of the items with these ids that are stored."""
        query = (
            "SELECT items.body FROM items JOIN responses ON responses.id = response"
            " WHERE items.id = $1 AND owner = $2 LIMIT 1"
        )
        with self._access.transaction() as transaction:
            rows = {id: transaction.execute(query, id, owner) for id in ids}
        return {id: msgspec.json.decode(body) for id, found in rows.items() for (body,) in found}

    def delete(self, owner: str, id: str) -> None:
        """Deletes a response; raises NotFound."""
        with self._access.transaction(writes=True) as transaction:
            _check_is_stored(transaction, owner, id)
            transaction.execute("DELETE FROM responses WHERE id = $1", id)

    # -- responses in the background

    def begin(self, owner: str, response: Object, items: Sequence[Object]) -> None:
        """Stores a response that this gateway is going to generate, for others to see."""
        with self._access.transaction(writes=True) as transaction:
            self._put(transaction, owner, response, items)
            transaction.execute(
                "INSERT INTO running VALUES ($1, $2, $3, $4)",
                *(str(response["id"]), self._gateway, str(response["status"]), False),
            )

    def complete(self, owner: str, response: Object, items: Sequence[Object]) -> None:
        """Stores the end of a response that was begun, unless it was deleted meanwhile."""
        with self._access.transaction(writes=True) as transaction:
            if _is_stored(transaction, owner, response["id"]):
                self._put(transaction, owner, response, items)

    def beat(self, statuses: Mapping[str, str]) -> dict[str, bool]:
        """Says that this gateway generates responses, and what their status is.

        Returns those of them that are still stored, and whether each is to be cancelled.
        """
        with self._access.transaction(writes=True) as transaction:
            transaction.execute_many(
                "UPDATE responses SET used_s = $1 WHERE id = $2",
                [(self._now_s(), id) for id in statuses],
            )
            transaction.execute_many(
                "UPDATE running SET status = $1 WHERE response = $2",
                [(status, id) for id, status in statuses.items()],
            )
            rows = transaction.execute(
                "SELECT response, is_cancelled FROM running WHERE gateway = $1", self._gateway
            )
        return {id: bool(is_cancelled) for id, is_cancelled in rows if id in statuses}

    def cancel(self, owner: str, id: str) -> Object:
        """Asks the gateway that generates a response to stop; returns it as `response` does."""
        with self._access.transaction(writes=True) as transaction:
            response = self._response(transaction, owner, id)
            transaction.execute(
                "UPDATE running SET is_cancelled = $1 WHERE response = $2", True, id
            )
        return response

    # -- within a transaction

    def _put(
        self, transaction: Transaction, owner: str, response: Object, items: Sequence[Object]
    ) -> None:
        output = response["output"]
        assert isinstance(output, list)
        rows = [(str(item["id"]), False, json_text(item)) for item in items]
        rows += [
            (str(item["id"]), True, json_text(item)) for item in output if isinstance(item, dict)
        ]
        id, previous = str(response["id"]), response["previous_response_id"]
        assert previous is None or isinstance(previous, str)
        body = json_text({key: value for key, value in response.items() if key != "output"})
        size = len(body) + sum(len(text) for _, _, text in rows)
        transaction.execute("DELETE FROM responses WHERE id = $1", id)
        transaction.execute(
            "INSERT INTO responses VALUES ($1, $2, $3, $4, $5, $6)",
            *(id, owner, previous, body, self._now_s(), size),
        )
        transaction.execute_many(
            "INSERT INTO items VALUES ($1, $2, $3, $4, $5)",
            [(id, position, *row) for position, row in enumerate(rows)],
        )
        self._evict(transaction)

    def _response(self, transaction: Transaction, owner: str, id: str) -> Object:
        found = transaction.execute(
            "SELECT body, used_s, status FROM responses LEFT JOIN running ON response = id"
            " WHERE id = $1 AND owner = $2",
            id,
            owner,
        )
        if not found:
            raise not_found(id)
        [(body, used_s, status)] = found
        response: Object = {**msgspec.json.decode(body), "output": []}
        response["output"] = [*_items(transaction, id, is_output=True)]
        if status and used_s < self._now_s() - MAX_SILENCE_S:
            response |= FAILED
        elif status:
            response["status"] = status
        return response

    def _evict(self, transaction: Transaction) -> None:
        """Deletes what is too old, and then the least recently used while there is too much."""
        oldest_s = self._now_s() - self._max_age_s
        transaction.execute("DELETE FROM responses WHERE used_s < $1", oldest_s)
        while (excess := _bytes(transaction) - self._max_bytes) > 0:
            transaction.execute(EVICT, excess, EVICTED_AT_ONCE)


def _kept_key(transaction: Transaction) -> bytes:
    """The key that is stored; it lasts as long as the responses do."""
    kept = transaction.execute("SELECT key FROM secret")
    if not kept:
        kept = [(secrets.token_bytes(32),)]
        transaction.execute("INSERT INTO secret VALUES ($1)", *kept[0])
    key: bytes = kept[0][0]
    return key


def not_found(id: str) -> NotFound:
    return NotFound(f"no response {id!r} is stored", param="response_id")


def _is_stored(transaction: Transaction, owner: str, id: object) -> bool:
    query = "SELECT id FROM responses WHERE id = $1 AND owner = $2"
    return bool(transaction.execute(query, str(id), owner))


def _check_is_stored(transaction: Transaction, owner: str, id: str) -> None:
    if not _is_stored(transaction, owner, id):
        raise not_found(id)


def _items(transaction: Transaction, id: str, *, is_output: bool) -> list[Object]:
    return _decoded(
        transaction.execute(
            "SELECT body FROM items WHERE response = $1 AND is_output = $2 ORDER BY position",
            id,
            is_output,
        )
    )


def _bytes(transaction: Transaction) -> int:
    [(total,)] = transaction.execute("SELECT bytes FROM total")
    return int(total)


def _decoded(rows: Iterable[tuple[str]]) -> list[Object]:
    return [msgspec.json.decode(body) for (body,) in rows]
