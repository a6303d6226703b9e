#!/usr/bin/python3
"""A whole account: SES's quota of identities, a real worker, one call a second and action. Prints how long it takes until
every domain was looked at again at SES, and the calls of each operation; then says whether any second held too many.

    SV_BINARY_DIR=$PWD/build/release tests/bench/fleet.py [--domains 10000] [--pending | --import]

All domains are verified and due at once; with `--pending` their records are right and SES has not looked yet; with `--import`
SES holds them all and nobody here knows one: `sesverify import` takes them in, at the same rate.
Printed, never asserted, but for the rate: with more calls in any window the program fails.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[0:1] = [str(TESTS / "integration" / "worker"), str(TESTS / "integration" / "lib")]  # here, dns is dns.py

from frugal import RATE, SETTINGS, arrivals, looked_at, make_all_due, register, windows_held  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World, worker_program  # noqa: E402

NAMES_PER_CALL = 1000
VERIFY_WAIT_S, SWEEP_WAIT_S = 600, 1800
FLEET = {**SETTINGS, "SESVERIFY_SCHEDULE_VERIFIED_EVERY": "24h", "SESVERIFY_SCHEDULE_CONFIRM_AFTER": "1h",
         "SESVERIFY_SCHEDULE_DAILY": "24h"}


def count_status(world, status):
    return int(world.redis.hget("sv:{0}:n", f"status_{status}") or 0)


def say(text, since):
    print(f"{text}: {time.monotonic() - since:.1f} s", flush=True)


def verify_all(world, count):
    """SES says Success for all; a worker in no hurry about the rate finds that out."""
    names = [f"f{i:05}.example" for i in range(count)]
    for i in range(0, count, NAMES_PER_CALL):
        world.sandbox.control.post("/identities", {"names": names[i:i + NAMES_PER_CALL], "identity": "Success",
                                                   "dkim": "Success", "pin": True})
    make_all_due(world)
    world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1000")
    wait_for(lambda: count_status(world, "verified") == count, "all to be verified", VERIFY_WAIT_S)
    assert world.workers[-1].stop() == 0
    world.workers.clear()


def sweep(world, count):
    """One look at each at the real rate; the calls of each operation, and the seconds."""
    make_all_due(world)
    world.sandbox.control.post("/rate", {"rate": RATE})
    world.sandbox.control.delete("/calls")
    since_ms, started = int(world.redis.time()[0] * 1000), time.monotonic()
    world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1")
    wait_for(lambda: looked_at(world, since_ms) == count, "every domain to be looked at", SWEEP_WAIT_S)
    return world.sandbox.calls(), time.monotonic() - started


def import_all(world, count):
    """`sesverify import` of identities that SES holds already, ten to a client; its report and the seconds."""
    names = [f"f{i:05}.example" for i in range(count)]
    for i in range(0, count, NAMES_PER_CALL):
        world.sandbox.control.post("/identities", {"names": names[i:i + NAMES_PER_CALL], "create": True, "signing": True,
                                                   "identity": "Success", "dkim": "Success", "pin": True})
    clients = world.folder / "clients.csv"
    clients.write_text("".join(f"{name},c{i // 10}\n" for i, name in enumerate(names)))
    world.sandbox.control.post("/rate", {"rate": RATE})
    started = time.monotonic()
    done = subprocess.run([worker_program(), "import", "--map", clients, "--json"], stdin=subprocess.DEVNULL,
                          env={**world.environment(), "SESVERIFY_ACCOUNT_DEFAULT_RATE": "1"}, capture_output=True,
                          text=True, check=True)
    took_s = time.monotonic() - started
    print(f"import of {count}: {took_s:.1f} s, {json.loads(done.stdout)['calls']}", flush=True)
    world.sandbox.control.post("/rate", {"rate": 0})
    started = time.monotonic()
    world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1000")
    wait_for(lambda: count_status(world, "verified") == count, "all to be adopted", VERIFY_WAIT_S)
    say(f"{count} adopted and verified (one GetEmailIdentity each, rate 1000 for this step)", started)
    assert world.workers[-1].stop() == 0
    world.workers.clear()


def report(world, count, what, calls, took_s):
    status = pathlib.Path(f"/proc/{world.workers[-1].pid}/status").read_text().splitlines()
    peak_kb = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    excess = max((windows_held(times, 2) for times in arrivals(world).values()), default=0)
    throttled = sum(one["throttled"] for one in calls.values())
    print(f"{count} {what} domains in one account: full sweep in {took_s:.1f} s, worker's peak {peak_kb / 1024:.1f} MiB")
    for action, one in sorted(calls.items()):
        print(f"    {action}: {one['count']} calls, {one['identities']} identities")
    print(f"    identity reads per domain: {sum(one['count'] for one in calls.values()) / count:.4f}; "
          f"throttled {throttled}; worst excess over 2 + rate x T {excess:.2f}")
    return 1 if excess > 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=10000)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--pending", action="store_true")
    how.add_argument("--import", action="store_true", dest="imported")
    args = parser.parse_args()
    # The sandbox looks once an (unreachable) virtual age: what SES says stands still.
    with World(settings=FLEET, speed=1, sandbox_args=["--look-every", "10000h"]) as world:
        started = time.monotonic()
        if args.imported:
            import_all(world, args.domains)
        else:
            register(world, args.domains, True)
            say(f"{args.domains} registered", started)
        if not args.pending and not args.imported:
            started = time.monotonic()
            verify_all(world, args.domains)
            say(f"{args.domains} verified", started)
        calls, took_s = sweep(world, args.domains)
        return report(world, args.domains, "pending" if args.pending else "verified", calls, took_s)


if __name__ == "__main__":
    sys.exit(main())
