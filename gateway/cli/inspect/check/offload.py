"""What `gpu_layers` does with this build of llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.cli.inspect.check.report import Report
from gateway.config.load import Entry
from gateway.engine.backend import Device
from gateway.models.gguf import Value
from gateway.models.memory_estimate import MemoryEstimate, in_mb


def check_offload(
    report: Report,
    entry: Entry,
    metadata: Mapping[str, Value],
    estimate: MemoryEstimate,
    devices: Sequence[Device],
) -> None:
    """Adds the devices that compute the model, and notes what `gpu_layers` can't do."""
    chosen = [
        one for one in devices if entry.llama.device is None or one.name in entry.llama.device
    ]
    layers = _layers(metadata)
    if not chosen or entry.gpu_layers == 0:
        report.computes = "CPU"
        if not devices and entry.gpu_layers and "gpu_layers" in entry.model_fields_set:
            report.add(
                "gpu_layers has no effect, since llama.cpp sees no GPU",
                "`tool-gateway doctor` says why",
            )
        return
    wanted = layers if entry.gpu_layers < 0 else min(entry.gpu_layers, layers)
    names = ", ".join(device.name for device in chosen)
    report.computes = f"{names}, {wanted} of {layers} layers"
    needed = estimate.weights * wanted / layers
    needed += (estimate.kv_cache * wanted / layers + estimate.compute) * entry.llama.kv_offload
    available = sum(device.total_bytes for device in chosen)
    if needed > available:
        report.add(
            f"{wanted} layers need about {in_mb(needed)} MB, and {names} has {in_mb(available)} MB",
            f"set `gpu_layers: {int(wanted * available / needed)}`",
        )


def _layers(metadata: Mapping[str, Value]) -> int:
    """The number of layers that can be offloaded: one more than blocks, for the output."""
    blocks = metadata.get(f"{metadata.get('general.architecture')}.block_count")
    return (blocks if isinstance(blocks, int) else 0) + 1
