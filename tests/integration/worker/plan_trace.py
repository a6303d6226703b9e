"""The worker's planner and the simulator's are one object: a worker writes down every input and decision of its planner
(`worker.plan_trace`), and `sv_plan_sim --replay` has a planner decide again.

    plan_trace.py [--domains N]

N domains are due at once against a sandbox that allows one call a second, and jobs ask for rechecks meanwhile. Then one decision
of the trace is altered, and the replay has to notice.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from frugal import RATE, SETTINGS, looked_at, make_all_due, register  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
SIM = pathlib.Path(os.environ.get("SV_BINARY_DIR", ROOT / "build" / "debug")) / "tests/sim/plan/sv_plan_sim"
RECHECKS = 100


def answered(world):
    return sum(event["data"].get("job_id", "").startswith("again-") for event in world.events()
               if event["type"] == "io.sesverify.job.finished.v1")


def trace_of(count):
    with World(settings=SETTINGS, speed=1, sandbox_args=["--look-every", "10000h"]) as world:
        register(world, count, True)
        make_all_due(world)
        world.sandbox.control.post("/rate", {"rate": RATE})
        since_ms = int(world.redis.time()[0] * 1000)
        trace = world.folder / "plan.trace"
        worker = world.start_worker(SESVERIFY_ACCOUNT_DEFAULT_RATE="1", SESVERIFY_WORKER_PLAN_TRACE=str(trace))
        wait_for(lambda: looked_at(world, since_ms) >= count // 2, "half of the domains to be looked at", 300)
        pipe = world.redis.pipeline()
        for i in range(RECHECKS):
            n = i * count // RECHECKS
            job = {"id": f"again-{i}", "type": "recheck", "client_id": f"c{n % 50}", "domain": f"f{n:05}.example"}
            pipe.xadd("sv:{0}:jobs", {"job": json.dumps(job)})
        pipe.execute()
        wait_for(lambda: looked_at(world, since_ms) == count and answered(world) == RECHECKS,
                 "every domain to be looked at, every recheck to be answered", 300)
        assert (worker or world.workers[-1]).stop() == 0
        world.workers.clear()
        return trace.read_text()


def replay(text, path):
    path.write_text(text)
    done = subprocess.run([SIM, "--replay", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def altered(text):
    """The last batch of two or more, with its first two domains changed over."""
    found = list(re.finditer(r"^= batch (\d+) (\w{16}) (\w{16})", text, re.M))[-1]
    return text[:found.start()] + f"= batch {found[1]} {found[3]} {found[2]}" + text[found.end():]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=2000)
    count = parser.parse_args().domains
    text = trace_of(count)
    path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"sv-plan-{os.getpid()}.trace"
    try:
        code, said = replay(text, path)
        print(said.strip())
        wrong = [] if code == 0 else ["the planners differ"]
        asks = {kind: len(re.findall(rf"^\+ 0 add \w+ {kind} ", text, re.M)) for kind in ("recheck", "search", "guard")}
        batches = [int(n) for n in re.findall(r"^= batch (\d+)", text, re.M)]
        print(f"asks {asks}, {len(batches)} batches of {sum(batches) / len(batches):.1f}")
        if asks["search"] < count - RECHECKS or asks["recheck"] < RECHECKS // 4:  # the others met a look under way
            wrong.append("too little was asked: this run proves nothing")
        code, said = replay(altered(text), path)
        if code != 1 or "BROKEN" not in said:
            wrong.append(f"an altered decision was not noticed: {said}")
    finally:
        path.unlink(missing_ok=True)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
