"""What a capture shows of a body."""

from __future__ import annotations

from gateway.observe.capture.secrets import MAX_STRUCTURE, readable


def test_json_that_would_take_much_memory_is_left_out() -> None:
    lists = b"[" + b"[]," * MAX_STRUCTURE + b"[]]"
    assert readable(lists) == f"[{len(lists)} bytes with more than 150000 brackets and strings]"
    assert readable(b'"' + b"[" * MAX_STRUCTURE + b'"') == "[" * MAX_STRUCTURE
