"""The benchmark code, without measuring times."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast
from xml.etree import ElementTree

import pytest

from bench import peer
from bench.figure import Aim, Figure, Measurement, Sides, Value
from bench.gateway import TEMPLATE
from bench.machine import lacking
from bench.page import line, page
from bench.plot import MET, MISSED, plot
from bench.reasons import REASONS
from bench.stream import Stream
from gateway.formats.families import HERMES
from gateway.prompt.template import Template, Vocabulary
from tests.conversations import CONVERSATIONS

FAST = Figure(Aim("speed", 0.9, at_least=True), 0.95, "95 / 100 tokens/s")
SLOW = Figure(Aim("wait", 50, unit="ms"), 60.04, "of 200")
BROKEN = Figure(Aim("memory", 150, unit="MB"), None, "OSError: gone")
FIGURES = [FAST, SLOW, BROKEN]
CHUNKS = (
    b'HTTP/1.1 200 OK\r\n\r\n2f\r\ndata: {"choices":[{"delta":{"content":""}}]}\r\n\r\n\r\n',
    b'35\r\ndata: {"choices":[{"delta":{"content":"Once"}}]}\n\n\r\n35\r\ndata: {"choices":[{"del',
    b'ta":{"content":" upon"}}]}\n\n\r\n',
    b'data: {"choices":[],"usage":{"completion_tokens":3}}\n\ndata: [DONE]\n\n',
)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_servers_get_the_same_prompts(name: str) -> None:
    vocabulary = Vocabulary("", "", {})
    ours, theirs = (
        Template(source, HERMES, vocabulary).render(CONVERSATIONS[name]).text
        for source in (TEMPLATE.read_text(), peer.template())
    )
    assert theirs == ours


@pytest.fixture
def stream() -> Iterator[Stream]:
    with socket.socket() as connection:
        yield Stream(connection, 1.0, [(2.0 + i, chunk) for i, chunk in enumerate(CHUNKS)])


def test_a_chunk_has_arrived_when_its_last_byte_has(stream: Stream) -> None:
    assert stream.times == [3.0, 4.0]
    assert (stream.first_s, stream.tokens_s) == (2.0, 2.0)


def test_the_verdict_compares_with_a_lower_or_an_upper_bound() -> None:
    assert [figure.verdict for figure in FIGURES] == ["met", "MISSED", "FAILED"]


def test_an_error_keeps_the_figures_before_it() -> None:
    def take(_: Sides) -> Iterator[Value]:
        yield 0.95, "95 / 100 tokens/s"
        raise OSError("gone")

    measured = Measurement((FAST.aim, BROKEN.aim), take).figures(cast(Sides, None))
    assert list(measured) == [FAST, BROKEN]


def test_the_page_gives_the_reason_of_a_missed_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REASONS, "wait", "the queue is long")
    assert line(SLOW).splitlines()[1].strip() == "the queue is long"
    text = page(FIGURES, ["two cores"], [("More", [("", "measured", "part"), ("a", "1", "2")])])
    assert "| speed | 0.950 | ≥ 0.9 | met | 95 / 100 tokens/s |\n" in text
    assert "| wait | 60.0 ms | ≤ 50 ms | **MISSED** | of 200 |\n" in text
    assert "- wait: the queue is long\n- memory: OSError: gone\n" in text
    assert "## More\n\n|  | measured | part |\n|---|---|---|\n| a | 1 | 2 |\n" in text


def test_a_peer_with_fewer_cpu_features_is_reported() -> None:
    [warning] = lacking("llama-cpp-python 1, AVX AVX2 AVX512", "xllamacpp 1, AVX AVX2")
    assert "without AVX512," in warning
    assert not lacking("llama-cpp-python 1, AVX AVX2", "xllamacpp 1, AVX AVX2 AVX512")
    assert not lacking("llama-cpp-python 1, AVX AVX2", "/bin/llama-server, compiled elsewhere")


def test_the_length_of_a_bar_is_the_ratio_to_the_target() -> None:
    drawn = ElementTree.fromstring(plot(FIGURES)).iter("{http://www.w3.org/2000/svg}rect")
    [_, fast, slow] = [(bar.get("fill"), float(bar.get("width", 0))) for bar in drawn]
    assert (fast[0], slow[0]) == (MET, MISSED)
    assert fast[1] / slow[1] == pytest.approx((0.95 / 0.9) / (60.04 / 50), rel=0.01)
