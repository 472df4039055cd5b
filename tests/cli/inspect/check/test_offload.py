"""What `gpu_layers` does with the devices of a build."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.inspect.check.offload import check_offload
from gateway.cli.inspect.check.report import Report
from gateway.config.load import Entry
from gateway.engine.backend import Device
from gateway.models.memory_estimate import MB, MemoryEstimate

FILE: dict[str, Any] = {"general.architecture": "llama", "llama.block_count": 31}
ESTIMATE = MemoryEstimate(weights=3200 * MB, kv_cache=640 * MB, compute=100 * MB)
BIG = Device("CUDA0", "a GPU", 9000 * MB, 9000 * MB)
SMALL = Device("CUDA1", "a GPU", 2000 * MB, 2000 * MB)


def offloaded(devices: list[Device], **settings: Any) -> Report:
    report = Report("m")
    check_offload(report, Entry(source="x", **settings), FILE, ESTIMATE, devices)
    return report


@pytest.mark.parametrize(
    ("devices", "settings", "computes"),
    [
        ([], {}, "CPU"),
        ([BIG], {}, "CUDA0, 32 of 32 layers"),
        ([BIG], {"gpu_layers": 20}, "CUDA0, 20 of 32 layers"),
        ([BIG], {"gpu_layers": 99}, "CUDA0, 32 of 32 layers"),
        ([BIG], {"gpu_layers": 0}, "CPU"),
        ([BIG], {"llama": {"device": "none"}}, "CPU"),
        ([BIG, SMALL], {}, "CUDA0, CUDA1, 32 of 32 layers"),
        ([BIG, SMALL], {"llama": {"device": "CUDA0"}}, "CUDA0, 32 of 32 layers"),
    ],
)
def test_the_devices_of_the_layers_are_named(
    devices: list[Device], settings: dict[str, Any], computes: str
) -> None:
    report = offloaded(devices, **settings)
    assert (report.computes, report.findings) == (computes, [])


@pytest.mark.parametrize(
    ("settings", "notes"), [({}, 0), ({"gpu_layers": 0}, 0), ({"gpu_layers": 9}, 1)]
)
def test_layers_that_cannot_be_offloaded_are_noted(settings: dict[str, Any], notes: int) -> None:
    assert len(offloaded([], **settings).findings) == notes


def test_too_many_layers_are_noted_with_a_number_that_fits() -> None:
    [found] = offloaded([SMALL]).findings
    assert found.text == "32 layers need about 3,940 MB, and CUDA1 has 2,000 MB"
    assert found.cure == "set `gpu_layers: 16`"
    assert offloaded([SMALL], gpu_layers=15).findings == []
