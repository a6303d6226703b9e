#!/usr/bin/python3
"""What whole checks cost the worker: N domains with right records due at once, DNS and SES from the sandbox, a real
redis-server. Prints the CPU time of the worker's process per 1,000 domains looked at (its start included) and its peak memory,
and, for the looks that follow, all due at once again: CPU, packets to DNS. The floors are 0.13 s and 20 MB. Printed, never
asserted.

    SV_BINARY_DIR=$PWD/build/release tests/bench/worker.py [N]   (default 2,000; without SV_BINARY_DIR the debug build)
"""
import os
import pathlib
import sys
import time
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[0:1] = [str(TESTS / "integration" / "worker"), str(TESTS / "integration" / "lib")]  # here, dns is dns.py

from frugal import RATE, SETTINGS, looked_at, make_all_due, register  # noqa: E402  (the load of the frugality test)
from sandbox import wait_for  # noqa: E402
from world import World, address  # noqa: E402

WAIT_S = 90


def cpu_s(pid):
    """User and system time, fields 14 and 15 of proc(5)'s stat."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def queries(worker):
    metrics = urllib.request.urlopen(f"http://{address(worker)}/metrics", timeout=WAIT_S).read().decode()
    return sum(float(line.split()[1]) for line in metrics.splitlines() if line.startswith("sesverify_dns_queries_total{"))


def look_at_all(world, count):
    """Seconds until each domain was looked at."""
    since_ms, started = int(world.redis.time()[0] * 1000), time.monotonic()
    wait_for(lambda: looked_at(world, since_ms) == count, "every domain to be looked at", WAIT_S)
    return time.monotonic() - started


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with World(settings=SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"]) as world:
        register(world, count, True)
        make_all_due(world)
        world.sandbox.control.post("/rate", {"rate": RATE})
        worker = world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1")
        took, pid = look_at_all(world, count), worker.pid
        used_s, asked = cpu_s(pid), queries(worker)
        make_all_due(world)
        took_again = look_at_all(world, count)
        again_s, asked_again = cpu_s(pid) - used_s, queries(worker) - asked
        status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        peak_kb = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    print(f"{count} whole checks: {used_s:.2f} CPU s, {used_s * 1000 / count:.3f} per 1,000 (floor 0.13, aim 0.08); "
          f"{took:.1f} s wall; peak {peak_kb / 1024:.1f} MiB (floor 20 MB, aim 16); {asked / count:.1f} questions to DNS each")
    print(f"the next look at each: {again_s * 1000 / count:.3f} per 1,000; {took_again:.1f} s wall; "
          f"{asked_again / count:.1f} questions to DNS each")


main()
