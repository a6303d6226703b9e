#!/usr/bin/python3
"""What size costs: claims, workers, everything due at once, one large client. Real Redis, real workers, SES and DNS from the
sandbox. Prints figures; only promises fail: `burst` where SES saw more calls in a window
than its rate allows, `fairness` where T10 is broken.

    SV_BINARY_DIR=$PWD/build/release tests/bench/scale.py claims [--domains 1000 100000 1000000]
    ... scale.py workers [--jobs 3000]       jobs a second and CPU a job with 1, 2 and 4 workers
    ... scale.py burst [--domains 100000] [--workers 4]    all due in the same second, 10,000 to an account of SES
    ... scale.py reshard [--domains 1000000] from one shard to four, what doctor reads before and after included
    ... scale.py fairness [--domains 100000] another client's first check beside one with so many that are due
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[0:1] = [str(TESTS / "integration" / "worker"), str(TESTS / "integration" / "lib")]  # here, dns is dns.py

from burst import FAIR_SETTINGS, Burst, first_check  # noqa: E402
from planted import plant  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World, worker_program  # noqa: E402

CLAIMS = 5000
PER_CLIENT = 10
T10_MS = 2000
WORKER_SETTINGS = {"SESVERIFY_SCHEDULE_FIRST_LOOK": "1h", "SESVERIFY_SCHEDULE_FLOOR": "1h", "SESVERIFY_SCHEDULE_CAP": "2h",
                   "SESVERIFY_LOG_LEVEL": "info", "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
                   "SESVERIFY_ACCOUNT_DEFAULT_RATE": "1000", "SESVERIFY_DNS_AUTHORITY_RATE": "1000"}


def load():
    return f"load average {os.getloadavg()[0]:.1f}"


def cpu_s(pid):
    """User and system time, fields 14 and 15 of proc(5)'s stat."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- what one claim costs inside Redis ---

def redis_cpu_us(redis):
    """Its CPU time: commandstats count waiting for a core, too. Socket and parsing are in it."""
    used = redis.info("cpu")
    return (used["used_cpu_user"] + used["used_cpu_sys"]) * 1e6


def claim_all(server, count):
    program = pathlib.Path(worker_program()).parents[1] / "tests" / "bench" / "bench_claim"
    done = subprocess.run([program, server.url(), str(count)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def claims(args):
    """Half of the waiting domains are due; two shapes: spread over time, and all in the same millisecond."""
    for count in args.domains or (1000, 100_000):
        for shape in ("spread", "same"):
            with RedisServer() as server:
                redis = server.client()
                empty = redis.info("memory")["used_memory"]
                now = int(redis.time()[0]) * 1000
                due = {"spread": lambda i: now - count + 2 * i, "same": lambda i: now - 1 if i % 2 else now + 3_600_000}[shape]
                plant(server.path, count, due, client_of=lambda i: f"c{i // PER_CLIENT}")
                time.sleep(max(0, 1 + now / 1000 - time.time()))
                bytes_each = (redis.info("memory")["used_memory"] - empty) / count
                used_us = redis_cpu_us(redis)
                claimed = claim_all(server, min(CLAIMS, count // 3))
                used_us = redis_cpu_us(redis) - used_us
            print(f"{count:8} waiting, due times {shape:6}: {used_us / claimed:5.1f} us of Redis a claim ({claimed} claims); "
                  f"{bytes_each:.0f} bytes a domain; {load()}", flush=True)


# --- jobs a second ---

def push_all(world, kind, jobs):
    pipe = world.redis.pipeline()
    for i in range(jobs):
        pipe.xadd("sv:{0}:jobs", {"job": f'{{"type":"{kind}","client_id":"c{i // PER_CLIENT}","domain":"f{i:05}.example"}}'})
    pipe.execute()


def run_jobs(world, kind, jobs, workers):
    """Pushes, waits for all answers; seconds, CPU of the workers and of Redis."""
    before = int(world.redis.hget("sv:{0}:n", "done") or 0)
    pids = [worker.pid for worker in workers]
    used_s, redis_s, started = sum(map(cpu_s, pids)), cpu_s(world.redis_server.pid), time.monotonic()
    push_all(world, kind, jobs)
    wait_for(lambda: int(world.redis.hget("sv:{0}:n", "done") or 0) == before + jobs, f"{jobs} answers", 300)
    took_s = time.monotonic() - started
    return took_s, sum(map(cpu_s, pids)) - used_s, cpu_s(world.redis_server.pid) - redis_s


def workers(args):
    for number in (1, 2, 4):
        with World(settings=WORKER_SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"]) as world:
            running = [world.start_worker() for _ in range(number)]
            for kind in ("register", "recheck"):
                took_s, used_s, redis_s = run_jobs(world, kind, args.jobs, running)
                print(f"{number} workers, {args.jobs} {kind} jobs: {args.jobs / took_s:6.0f} jobs/s; CPU a job "
                      f"{used_s * 1e6 / args.jobs:4.0f} us of the workers, {redis_s * 1e6 / args.jobs:4.0f} us of Redis; {load()}",
                      flush=True)


# --- everything at once ---

def burst(args):
    worst = 0
    for count in args.domains or (100_000,):
        with Burst(count, rate=args.rate, workers=args.workers) as run:
            run.look_at_all(3600)
            worst = max(worst, *run.excess())
            print(f"{run.report()}; {load()}", flush=True)
    return 1 if worst > 0 else 0


def fairness(args):
    worst_ms = 0
    for count in args.domains or (100_000,):
        with World(settings=FAIR_SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"], consistent=False) as world:
            idle_ms, busy_ms = first_check(world, count)
            worst_ms = max(worst_ms, busy_ms)
            print(f"a client's first check, admission to first DNS question: {idle_ms} ms alone, {busy_ms} ms beside a client "
                  f"with {count} domains due (limit 2,000 ms; 10 ms of it are schedule.first_look); {load()}", flush=True)
    return 1 if worst_ms >= T10_MS else 0


# --- another number of shards ---

def reshard(args):
    """Waiting domains with their names; the moved ones are three of four."""
    for count in args.domains or (1_000_000,):
        with RedisServer() as server:
            redis = server.client()
            now_ms = int(redis.time()[0]) * 1000
            plant(server.path, count, lambda i: now_ms + 3_600_000 + i, client_of=lambda i: f"c{i // PER_CLIENT}",
                  domain_of=lambda i: f"d{i:07}-planted-for-scale.example", owned=True)
            redis.hset("sv:{0}:meta", mapping={"schema": 1, "shards": 1})
            redis.xdel("sv:{0}:events", redis.xadd("sv:{0}:events", {"event": "{}"}))  # their events are so old that they were trimmed
            redis_us, started = redis_cpu_us(redis), time.monotonic()
            done = subprocess.run([worker_program(), "reshard", "4", "--yes", "--json", "--set", f"redis.url={server.url()}"],
                                  capture_output=True, text=True, check=False)
            took_s, redis_s = time.monotonic() - started, (redis_cpu_us(redis) - redis_us) / 1e6
            assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
            moved = json.loads(done.stdout)["counts"]["domains"]["moved"]
            own = resource.getrusage(resource.RUSAGE_CHILDREN)
            print(f"{count} domains from one shard to four in {took_s:.1f} s, {moved} moved; CPU {redis_s:.1f} s of Redis, "
                  f"{own.ru_utime + own.ru_stime:.1f} s of sesverify and what planted them, {own.ru_maxrss / 1024:.1f} MiB the largest; "
                  f"{load()}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("claims", "workers", "burst", "reshard", "fairness"))
    parser.add_argument("--domains", type=int, nargs="*")
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=1)
    parser.add_argument("--workers", type=int, default=4, help="of burst")
    args = parser.parse_args()
    return {"claims": claims, "workers": workers, "burst": burst, "reshard": reshard, "fairness": fairness}[args.what](args)


if __name__ == "__main__":
    sys.exit(main())
