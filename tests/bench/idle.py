#!/usr/bin/python3
"""What workers that have nothing to do ask Redis for: commands a second, by kind, and for each shard a worker serves.

    SV_BINARY_DIR=$PWD/build/release tests/bench/idle.py [--seconds 10]

Default settings. Ends with 1 if it is more than is promised: READER a second
for each shard of each worker, and WORKER for each worker.
"""
import argparse
import collections
import pathlib
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[0:1] = [str(TESTS / "integration" / "worker"), str(TESTS / "integration" / "lib")]  # here, dns is dns.py

from fault_proxy import RedisProxy  # noqa: E402
from sandbox import wait_for  # noqa: E402
from test_fleet import Fleet, parts  # noqa: E402
from world import DEADLINE_S  # noqa: E402

READER = 4.5  # a look at two rings and the time, every second; a read that waits; now and then leases and entries left behind
LOOK = 4  # commands of one look
WORKER = 3.0  # a beat, and a visit to a shard of others now and then
QUICK = {f"SESVERIFY_WORKER_{name}" for name in ("HEARTBEAT", "LEASE", "RECLAIM", "POLL")}  # as other tests have them


def measure(workers, shards, seconds):
    with Fleet(shards, redis={"small": True}) as fleet, RedisProxy(fleet.world.redis_server) as proxy:
        fleet.world.settings = {k: v for k, v in fleet.world.settings.items() if k not in QUICK}
        fresh = [fleet.world.start_worker(wait=False, **proxy.environment()) for _ in range(workers)]
        wait_for(lambda: all(w.ready() for w in fresh), "the workers to be ready", DEADLINE_S)
        fleet.shares(fresh)
        fleet.wait_readers(parts(workers, shards))
        counts = collections.Counter()

        def count(words):
            counts[words[0].decode()] += 1
            return None
        proxy.replace, began = count, time.monotonic()
        time.sleep(seconds)  # what is measured
        proxy.replace, took_s = None, time.monotonic() - began
        return {kind: n / took_s for kind, n in counts.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    too_much = False
    for shards in (1, 16):
        for workers in (1, 2, 4):
            rates = measure(workers, shards, args.seconds)
            total, readers = sum(rates.values()), parts(workers, shards)
            bound = READER * readers + WORKER * workers
            too_much |= total > bound + LOOK * readers / args.seconds  # one more look begins within the time than fits into it
            kinds = ", ".join(f"{kind} {rate:.1f}" for kind, rate in sorted(rates.items()))
            print(f"{workers} workers, {shards} shards: {total:.1f} commands a second, {total / readers:.2f} for each shard that a "
                  f"worker serves, bound {bound:.1f} ({kinds})", flush=True)
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main())
