"""Frugality: many domains due at once against a sandbox that allows one call a second and action.

    frugal.py [--domains N] [--right]

Registers N domains, waits until all are known, then makes every one of them due at once and counts, at the sandbox, every
kind of identity read until each was looked at. Prints reads per domain looked at (floor 0.05, a figure: reads go out at SES's
pace, so a machine half as fast fills each half as full) and checks what no machine's speed changes: fewer than one read for
five domains, and the limiter's bound over every window, arrivals <= 2 + rate x T. With `--right` every domain's records are right in
DNS while SES still says Pending (its clock stands still), so that SES has to be asked about each.
"""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from burst import worst_excess  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World, zone_line  # noqa: E402

READS = {"GetIdentityVerificationAttributes", "GetIdentityDkimAttributes", "GetIdentityMailFromDomainAttributes",
         "GetEmailIdentity", "ListIdentities", "ListEmailIdentities"}
RATE = 1.0
FLOOR = 0.05  # printed
MOST = 0.2  # asserted: a worker that asked about each domain by itself would need one
SETTINGS = {
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "100000",
    "SESVERIFY_SCHEDULE_FIRST_LOOK": "1h",
    "SESVERIFY_SCHEDULE_FLOOR": "1h",
    "SESVERIFY_SCHEDULE_CAP": "2h",
    "SESVERIFY_SCHEDULE_SES_FLOOR": "6h",
    "SESVERIFY_SCHEDULE_PATIENCE": "72h",
    "SESVERIFY_LOG_LEVEL": "info",
}


def windows_held(arrivals_ms, allowance, rate=RATE):
    """The worst excess over `allowance + rate x T`; 0 where there is none."""
    return max(0.0, worst_excess(arrivals_ms, allowance, rate))


def arrivals(world):
    return {name: action["arrivals_ms"] for name, action in world.sandbox.control.get("/calls")["actions"].items()}


def register(world, count, right):
    """All domains known to worker and SES, without spending an hour on one Create a second."""
    world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1000")
    pipe = world.redis.pipeline()
    for i in range(count):
        pipe.xadd("sv:{0}:jobs", {"job": f'{{"type":"register","client_id":"c{i % 50}","domain":"f{i:05}.example"}}'})
    pipe.execute()
    wait_for(lambda: int(world.redis.hget("sv:{0}:n", "status_pending_verification") or 0) == count,
             "all domains to be registered", 120)
    lines = {}
    for event in world.events():
        if event["type"] == "io.sesverify.domain.registered.v1":
            lines[event["subject"]] = [zone_line(r) for r in event["data"]["dns_records"]] if right else []
    world.publish_many(lines)
    assert world.workers[-1].stop() == 0
    world.workers.clear()


def make_all_due(world):
    now = world.redis.time()
    now_ms = now[0] * 1000 + now[1] // 1000
    pipe = world.redis.pipeline()
    for key in world.redis.scan_iter("sv:{0}:due:lo:*", count=1000):
        client = key.decode().split(":", 4)[4]
        for uid in world.redis.zrange(key, 0, -1):
            pipe.zadd(key, {uid: now_ms})
            pipe.hset("sv:{0}:d:" + uid.decode(), "nx", now_ms)
        pipe.zadd("sv:{0}:ring", {client: now_ms})
    pipe.execute()


def looked_at(world, since_ms):
    """Domains whose next look was moved on."""
    due = 0
    for key in world.redis.scan_iter("sv:{0}:due:lo:*", count=1000):
        due += world.redis.zcount(key, since_ms + 60_000, "+inf")
    return due


def run(count, right):
    # SES looks once an (unreachable) virtual age: every identity stays Pending.
    with World(settings=SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"]) as world:
        register(world, count, right)
        make_all_due(world)
        world.sandbox.control.post("/rate", {"rate": RATE})
        world.sandbox.control.delete("/calls")
        started = time.monotonic()
        since_ms = int(world.redis.time()[0] * 1000)
        world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1")
        wait_for(lambda: looked_at(world, since_ms) == count, "every domain to be looked at", 240)
        took = time.monotonic() - started
        memory = pathlib.Path(f"/proc/{world.workers[-1].pid}/status").read_text()
        peak = next(line for line in memory.splitlines() if line.startswith("VmHWM"))
        after = arrivals(world)
        reads = sum(len(times) for action, times in after.items() if action in READS)
        excess = max((windows_held(times, 2) for times in after.values()), default=0)
        throttled = sum(a["throttled"] for a in world.sandbox.control.get("/calls")["actions"].values())
        print(f"{count} domains due at once, records {'right' if right else 'absent'}: {reads} identity reads, "
              f"{reads / count:.4f} per domain looked at (floor {FLOOR}), {took:.1f} s, worst excess over 2 + rate x T {excess:.2f}, "
              f"throttled {throttled}, worker {' '.join(peak.split())}")
    wrong = []
    if right and reads == 0:
        wrong.append("SES was never asked: this run proves nothing")
    if reads / count > MOST:
        wrong.append(f"{reads / count:.4f} reads per domain looked at")
    if excess > 0:
        wrong.append(f"a window held {excess:.2f} calls too many")
    print("\n".join(wrong[:10]))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=2000)
    parser.add_argument("--right", action="store_true")
    args = parser.parse_args()
    return run(args.domains, args.right)


if __name__ == "__main__":
    sys.exit(main())
