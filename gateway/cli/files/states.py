"""What a running gateway does with its models, if there is one."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

CONNECT_S = 0.3


def states(url: str) -> dict[str, str]:
    """The state of each model by its name; none if no gateway answers at once."""
    if not _listens(url):
        return {}
    # Imported only here, since it takes a tenth of a second.
    from gateway.cli.server.running_gateway import RunningGateway

    return RunningGateway(url).states()


def _listens(url: str) -> bool:
    try:
        address = urlsplit(url)
        where = (address.hostname or "", address.port or (443 if address.scheme == "https" else 80))
        socket.create_connection(where, CONNECT_S).close()
    except (OSError, ValueError):
        return False
    return True
