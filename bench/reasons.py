"""Why a figure misses its aim, by the aim's name; the page prints it."""

REASONS: dict[str, str] = {}
