"""One connection of the HTTP server, of which no client can hold too many or keep one too long."""

from __future__ import annotations

import asyncio
import socket
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_HEADERS_S = 20  # a client sends them at once
MAX_CONNECTIONS = 512  # a process may usually open 1024 files
READ_S = 0.002
MIN_READ_BYTES, MAX_READ_BYTES = 2**10, 2**16  # h11 takes 4 ms for 1 KB of chunks of a byte
FIRST_PROBE_S, PROBE_S = 0.02, 1.0  # after the one before; the second shows what came of the first
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)


class Connection(H11Protocol):
    """Closes itself if the headers of a request take longer than `REQUEST_HEADERS_S`.

    Beyond `MAX_CONNECTIONS`, a new one replaces the one whose request has been arriving for
    longest; if all requests are complete, its client gets 503. It reads as much at once as takes
    `READ_S`, so that no other connection waits for longer.
    """

    _timer: asyncio.TimerHandle | None = None
    _began_s: float | None = None  # when it began to wait for a request, until that is complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._limit_reads(transport, MIN_READ_BYTES)
        _send_at_once(transport)
        is_full = len(self.connections) >= MAX_CONNECTIONS and not self._close_another()
        super().connection_made(transport)
        if is_full:
            transport.write(BUSY)
            transport.close()
        else:
            self._follow_request()

    def data_received(self, data: bytes) -> None:
        began_s = time.perf_counter()
        super().data_received(data)
        read_s = time.perf_counter() - began_s
        self._limit_reads(self.transport, int(len(data) * READ_S / max(read_s, 1e-6)))
        self._follow_request()

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that sends no more may still read, unless it has closed the connection.

        Only sending something tells which; RFC 9110 lets clients ignore a 100 at any time. Once the
        response has begun, nothing can be sent while it is silent, and the client counts as gone.
        """
        is_sent = self.conn.their_state in (h11.DONE, h11.MUST_CLOSE)
        if not is_sent or self.conn.our_state is not h11.SEND_RESPONSE:
            return False
        self._probe(FIRST_PROBE_S)
        return not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _limit_reads(self, transport: asyncio.Transport, size: int) -> None:
        size = max(MIN_READ_BYTES, min(MAX_READ_BYTES, size))
        transport.max_size = size  # type: ignore[attr-defined]

    def _probe(self, next_s: float) -> None:
        """Sends signs of life until the response begins; a client that is gone resets them."""
        if self.transport.is_closing() or self.conn.our_state is not h11.SEND_RESPONSE:
            return
        if self.conn.their_http_version != b"1.1":
            self.transport.close()
            return
        sign = self.conn.send(h11.InformationalResponse(status_code=100, headers=[]))
        self.transport.write(sign or b"")
        self.loop.call_later(next_s, self._probe, PROBE_S)

    def _close_another(self) -> bool:
        """Closes the connection whose request has been arriving for longest, if one is."""
        others = {one._began_s: one for one in self.connections if isinstance(one, Connection)}
        began_s = min((began_s for began_s in others if began_s is not None), default=None)
        if began_s is None:
            return False
        longest = others[began_s]
        longest._began_s = None
        longest._stop_timer()
        longest.transport.abort()
        return True

    def _follow_request(self) -> None:
        """Notes when a request begins and is complete; its headers have `REQUEST_HEADERS_S`."""
        state = self.conn.their_state
        if state not in (h11.IDLE, h11.SEND_BODY):
            self._began_s = None
        elif self._began_s is None:
            self._began_s = self.loop.time()
        if state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(REQUEST_HEADERS_S, self.timeout_keep_alive_handler)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _send_at_once(transport: asyncio.Transport) -> None:
    """Turns off Nagle's algorithm, which holds small writes back until the client's delayed ACK.

    asyncio does so only for a socket that was created with the number of its protocol.
    """
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
