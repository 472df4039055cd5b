from __future__ import annotations

import time

from gateway.worker.cpus import unused_s


def test_what_this_process_uses_counts_as_unused_by_others() -> None:
    began_s, before_s = time.process_time(), unused_s()
    while time.process_time() - began_s < 0.1:
        pass
    assert unused_s() - before_s > 0.08  # the system counts idle time in hundredths
