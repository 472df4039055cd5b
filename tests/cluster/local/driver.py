"""Runs the gateway on a Ray cluster of this process; it ends when standard input does.

python -m tests.cluster.local.driver PORT FOLDER MODELS_YAML [REPLICAS [PIN]]: prints `ready`, and
again after each line of standard input, which is a number of replicas. PIN is 1 to bind each to a
CPU. No other Ray process of the machine is touched, and FOLDER gets all files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ray
from ray import serve

from gateway.cluster import app
from gateway.cluster.arguments import Arguments

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_DEDUP_LOGS": "0",  # the driver shows each line of the replicas
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",  # as docs/scaling.md recommends
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
}
OBJECTS_BYTES = 100 * 2**20


def main(port: int, folder: Path, config: Path, replicas: int = 2, pin_cpus: int = 0) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # where the output of Ray's workers goes too

    def deploy(count: int) -> None:
        arguments = Arguments(config=config, replicas=count, pin_cpus=bool(pin_cpus))
        serve.run(app(arguments), name="tool-gateway")
        print("ready", file=answers, flush=True)

    ray.init(
        address="local",
        num_cpus=max(2, replicas),
        include_dashboard=False,
        object_store_memory=OBJECTS_BYTES,
        _temp_dir=str(folder),
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    try:
        deploy(replicas)
        for line in sys.stdin:
            deploy(int(line))
    finally:
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    assert os.environ.items() >= ENVIRONMENT.items()
    port, folder, config, *numbers = sys.argv[1:]
    main(int(port), Path(folder), Path(config), *map(int, numbers))
