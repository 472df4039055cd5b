"""Inspects the models of a models.yaml, all at once; downloads nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.cli.inspect.check.calls import check_template
from gateway.cli.inspect.check.context_length import check_context
from gateway.cli.inspect.check.offload import check_offload
from gateway.cli.inspect.check.report import Report
from gateway.cli.inspect.finding import Level
from gateway.cli.inspect.vocabulary_only import info_of
from gateway.config.load import Config, Entry
from gateway.engine.backend import Device, read_backend
from gateway.errors import GatewayError
from gateway.hub.file_names import parts
from gateway.hub.source import locate
from gateway.models.build import engine_options, template_source, vocabulary_of
from gateway.models.gguf import read_header
from gateway.models.memory_budget import budget_bytes
from gateway.models.memory_estimate import estimate_memory, in_mb
from gateway.prompt.template import Vocabulary


async def inspect_all(names: Sequence[str], config: Config) -> list[Report]:
    """A report on each of these models; raises EngineDied if llama.cpp can't be loaded."""
    devices = (await asyncio.to_thread(read_backend)).devices
    workers = asyncio.Semaphore(os.cpu_count() or 1)

    async def inspect(name: str) -> Report:
        entry = config.models[name]
        report = Report(name, context=entry.context)
        try:
            async with workers:
                await _inspect(report, entry, config, devices)
        except GatewayError as error:
            report.add(error.message, level=Level.PROBLEM)
        return report

    reports = await asyncio.gather(*map(inspect, names))
    _check_preloaded(reports, config)
    return reports


async def _inspect(report: Report, entry: Entry, config: Config, devices: Sequence[Device]) -> None:
    """Fills a report; raises GatewayError if the model can't be served."""
    folder, info = config.folder, None
    if entry.is_remote:
        report.file = "remote"
    elif path := await asyncio.to_thread(_locate, report, entry, folder):
        await asyncio.to_thread(_check_file, report, entry, path, config, devices)
        info = await info_of(entry, path)
    if entry.embeddings:
        report.format = "embeddings"
        return
    report.template = entry.template
    if info or entry.template != "gguf":
        source = template_source(entry.template, info.chat_templates if info else {}, folder)
        vocabulary = vocabulary_of(info) if info else Vocabulary("", "", {})
        await asyncio.to_thread(check_template, report, entry, source, vocabulary, folder)


def _locate(report: Report, entry: Entry, folder: Path) -> Path | None:
    """The file of the model, if it is here."""
    path = locate(entry.source, folder)
    report.file = "on disk" if path else "to download"
    return path


def _check_file(
    report: Report, entry: Entry, path: Path, config: Config, devices: Sequence[Device]
) -> None:
    """What the header of the file tells."""
    header = read_header(path)
    files = [path.with_name(name) for name in parts(path.name)]
    report.file_bytes = sum(file.stat().st_size for file in files if file.is_file())
    adapters = [(locate(source, config.folder, key="lora"), scale) for source, scale in entry.lora]
    here = tuple((str(adapter), scale) for adapter, scale in adapters if adapter)
    if len(here) < len(entry.lora):
        report.add("an adapter of `lora` is downloaded when the model is loaded")
    estimate = estimate_memory(engine_options(entry, path, config.folder, here))
    report.memory_bytes = estimate.total
    if estimate.total > (budget := budget_bytes(config.memory_mb)):
        report.add(
            f"it needs about {estimate}, and all models together may use {in_mb(budget)} MB",
            "choose a smaller model, context or prefix_cache, or raise memory_mb",
            Level.PROBLEM,
        )
    check_context(report, entry, header.metadata)
    check_offload(report, entry, header.metadata, estimate, devices)


def _check_preloaded(reports: Sequence[Report], config: Config) -> None:
    """Notes that the models that are to be loaded at startup don't fit together."""
    preloaded = [report for report in reports if config.models[report.name].preload]
    needed, budget = sum(one.memory_bytes for one in preloaded), budget_bytes(config.memory_mb)
    if len(preloaded) > 1 and needed > budget:
        preloaded[-1].add(
            f"the models with `preload: true` need about {in_mb(needed)} MB together, and may use"
            f" {in_mb(budget)} MB",
            "preload fewer, or raise memory_mb",
        )
