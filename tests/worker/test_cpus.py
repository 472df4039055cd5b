from __future__ import annotations

import os

from gateway.worker.cpus import available_cpu_s, idle_and_own_s

# user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice
STAT = """\
cpu  900 90 900 9000 900 90 90 0 0 0
cpu0 100 10 200 1000 20 1 2 0 0 0
cpu1 300 20 400 3000 30 3 4 0 0 0
cpu10 500 30 600 5000 40 5 6 0 0 0
intr 12 0 0
"""
TICKS = os.sysconf("SC_CLK_TCK")  # a second


def test_nice_idle_and_iowait_of_our_cpus_count_as_available() -> None:
    assert idle_and_own_s(STAT, {1}, 0) == (20 + 3000 + 30) / TICKS
    assert idle_and_own_s(STAT, {0, 10}, 0) == (10 + 1000 + 20 + 30 + 5000 + 40) / TICKS


def test_cpu_time_of_this_process_counts_as_available() -> None:
    assert idle_and_own_s(STAT, {0}, 2.5) == idle_and_own_s(STAT, {0}, 0) + 2.5


def test_available_cpu_time_of_this_machine_can_be_read() -> None:
    assert available_cpu_s() > 0
