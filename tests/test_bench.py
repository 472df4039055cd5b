"""The benchmark code, without measuring times."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import pytest

from bench import peer
from bench.attack import page as attack_page
from bench.attack.attacker import told
from bench.attack.meter import Reading
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


# -- attacks


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (b'HTTP/1.1 400 Bad\r\n\r\n{"error": {"code": "timeout", "type": "x"}}', "400 timeout"),
        (b'HTTP/1.1 400 Bad\r\n\r\n{"type": "error", "error": {"type": "x"}}', "400 x"),
        (b'HTTP/1.1 400 Bad\r\n\r\n{"error": "no such model"}', "400"),
        (b"HTTP/1.1 200 OK\r\n\r\ndata: {}", "200"),
        (b"HTTP/1.1 400 Bad\r\n\r\nInvalid", "400"),
        (b"", "closed"),
    ],
)
def test_the_outcome_of_an_attack_is_its_status_and_code(response: bytes, outcome: str) -> None:
    assert told(response) == outcome


def test_the_table_of_attacks_replaces_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attack_page, "PAGE", tmp_path / "page.md")
    attack_page.PAGE.write_text(f"before\n{attack_page.BEGIN}old{attack_page.END}after\n")
    reading = Reading(0.0071, 0.5, 1.25, 12.4, failed=1)
    attack_page.write("a machine", [attack_page.row("a bomb", 3, {"400": 3}, reading)])
    text = attack_page.PAGE.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    got = "3 × 400, 1 answers of others failed"
    assert f"| a bomb | 3 | 7 | 500 | 1,250 | +12 | {got} |\n" in text
