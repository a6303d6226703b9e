"""kill -9 under load: no job lost, no sequence gap, no wrong transition.

    kill.py [--kills N] [--domains D] [--workers W] [--shards S] [--deeds NAME,...] [--redis KIND] [--fsync HOW] [--seed S]
            [--every N] [--variant PROGRAM] [--keep FOLDER]

Two to eight workers look after the domains of some clients while their records come and go, SES changes its mind, and jobs of
all kinds keep arriving; again and again one of the workers is killed and another one started. Kill points are spread: at random
instants, and at moments when Redis shows claimed domains, that is between claim and commit. Between the kills come deeds
(kill_deeds.py): workers frozen beyond their leases, or asked to end; Redis killed, full, without its scripts or its group; a
replica that takes over; a slot that moves to another node of a cluster.
At the end everything comes to rest, and all events are folded and counted (kill_judge.py).

Ends with 0 when all is right, 1 when something is wrong, 2 when nothing is wrong but the run does not count: it takes 30 % of
the kills between claim and commit, five transitions per domain and a fenced commit. With `--variant sesverify-nofence` (a
worker whose commit script has lost its fence check) the same run must fail, and for that reason: `--expect-wrong "under fence"`.
"""
import argparse
import logging
import os
import pathlib
import random
import shutil
import sys
import time

import redis as redis_module
from redis.backoff import ConstantBackoff
from redis.retry import Retry

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from checker import check  # noqa: E402
from kill_deeds import DEEDS, LEASE_S, Killer  # noqa: E402
from kill_judge import Watcher, judge, uncounted_yet  # noqa: E402
from kill_load import Load  # noqa: E402
from kill_store import Store  # noqa: E402
from redis_cluster import RedisCluster  # noqa: E402
from redis_sentinels import NAME, RedisSentinels  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from sandbox import wait_for  # noqa: E402
from world import World  # noqa: E402

RATE = 50  # calls of SES a second and operation
HELD_UP_S = 4 * LEASE_S + 1  # how long a worker may sleep on a permit: the longest freeze, and a busy machine
ANSWER_S = 60  # until Redis answers: where a primary is killed its connections end, nobody has to find that out
PATIENCE_S = 180  # until everything rests: seconds, but on a machine that does ten other things
WRONG_PATIENCE_S = 20  # with a worker that is broken on purpose: it may never come to rest, and what it did is told anyway
DOWN_AFTER_MS = 4000
NODE_TIMEOUT_MS = 30000
WRONG, UNCOUNTED = 1, 2
SETTINGS = {
    "SESVERIFY_WORKER_LEASE": "1s",
    "SESVERIFY_WORKER_RECLAIM": "1s",
    "SESVERIFY_WORKER_POLL": "50ms",
    "SESVERIFY_WORKER_DEATHS_MAX": "1000000",  # here it is never the domain that kills its workers
    "SESVERIFY_WORKER_CRASH_WAIT": "500ms",    # so none has to stand still for that
    "SESVERIFY_SCHEDULE_RESTARTS_PER_DAY": "1000",  # SES gives a domain up again and again in these minutes
    "SESVERIFY_ACCOUNT_DEFAULT_RATE": str(RATE),
    "SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "1000",
    "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "1000",
    "SESVERIFY_LIMITS_VERIFICATION_COOLDOWN": "1s",
    "SESVERIFY_LOG_LEVEL": "info",
}


def wait_or_tell(condition, what, seconds, tell, *args):
    """Waits; in vain: tells what is known of it, then fails."""
    try:
        wait_for(condition, what, seconds)
    except AssertionError:
        tell(*args)
        raise


def finish(world, store, load, killer, patience_s):
    """Lets everything come to rest with all records right, and every domain verified; how long the jobs took for it."""
    killer.thaw(everything=True)
    killer.end_move()
    killer.fill()
    load.calm()
    begin = time.monotonic()
    load.settle()  # whatever is under way still: the last word counts
    wait_or_tell(store.at_rest, "every job to be answered", patience_s, store.tell, world.workers)
    drain_s = time.monotonic() - begin

    def all_verified():
        load.calm()
        return store.counters()["status_verified"] == len(load.names)
    wait_or_tell(all_verified, "every domain to be verified", patience_s, store.tell_late, world.workers,
                 lambda fields: fields.get(b"st") != b"verified")
    for worker in world.workers:
        if worker.alive():
            code = worker.stop()
            assert code == 0, f"a worker ended with {code}: {worker.text()[-1500:]}"
    return drain_s


def go_through(args, load, killer, watcher, store):
    """The kills and deeds; more of them than asked for while the run would not count, but not for ever."""
    most = args.kills if args.short else 4 * args.kills
    while killer.kills < args.kills or (killer.kills < most and uncounted_yet(store, load, killer, watcher)):
        load.stir()
        watcher.look()
        killer.look_back()
        killer.thaw()
        if killer.kills % args.every == 1 % args.every:
            killer.do_one()
        killer.kill_one()
        time.sleep(killer.dice.random() * 0.2)


def server_of(args):
    logging.getLogger("redis.cluster").disabled = True  # redis-py shows every redirect as if it were a fault
    if args.redis == "sentinels":
        return RedisSentinels(fsync=args.fsync)
    if args.redis == "cluster":
        return RedisCluster(fsync=args.fsync)
    return RedisServer(aof=True, fsync=args.fsync)


def be_patient(world):
    """While the primary changes we ask again, and no Sentinel takes a busy machine for a dead primary."""
    errors = [redis_module.exceptions.ConnectionError, redis_module.exceptions.TimeoutError]
    world.redis = world.redis_server.client(decode_responses=False, socket_timeout=ANSWER_S, retry=Retry(ConstantBackoff(0.2), 100),
                                            retry_on_error=errors)
    for sentinel in world.redis_server.sentinels:
        sentinel.client().execute_command("SENTINEL", "SET", NAME, "down-after-milliseconds", DOWN_AFTER_MS)


def live_through(args, world, dice, workers):
    """Everything between the first worker's start and the verdict: (exit code, what was wrong)."""
    # DNS answers slowly, as it does in the world: a check takes a while, and death finds it in the middle.
    world.sandbox.control.post("/dns-faults", {"do": "slow", "ms": 40, "count": -1})
    if args.redis == "sentinels":
        be_patient(world)
    if args.redis == "cluster":  # none of these nodes dies: a slow one is no dead one
        for server in world.redis_server.servers:
            server.client().config_set("cluster-node-timeout", NODE_TIMEOUT_MS)
    store = Store(world.redis, args.shards)
    watcher = Watcher(store)
    load = Load(world, store, args.domains, dice)
    killer = Killer(world, store, load, watcher, dice, args.deeds, workers)
    world.start_worker()
    killer.fill()
    load.register_all()
    go_through(args, load, killer, watcher, store)
    try:
        drain_s = finish(world, store, load, killer, WRONG_PATIENCE_S if args.expect_wrong else PATIENCE_S)
    except AssertionError as error:  # a domain that never arrives is wrong, and without fences one of the ways to be
        wrong = watcher.fallen + killer.late + check(world.redis, shards=args.shards)
        print(f"never settled: {error}\n{killer.told()}", *wrong, sep="\n")
        return WRONG, wrong
    watcher.look()
    wrong, uncounted = judge(world, store, load, killer, watcher, drain_s, RATE, HELD_UP_S)
    print("\n".join([f"wrong {len(wrong)}"] + wrong[:20]))
    if not wrong and uncounted:
        print("not counted: " + ", ".join(uncounted))
    return WRONG if wrong else UNCOUNTED if uncounted and not args.short else 0, wrong


def run(args):
    dice = random.Random(args.seed)
    workers = args.workers or dice.randint(2, 8)
    print(f"seed {args.seed}, {args.domains} domains, {args.shards} shards, {workers} workers, {args.kills} kills, "
          f"deeds {','.join(args.deeds)}, Redis {args.redis}, appendfsync {args.fsync}, {args.variant}", flush=True)
    with World(settings={**SETTINGS, "SESVERIFY_REDIS_SHARDS": str(args.shards)}, variant=args.variant, speed=20000,
               server=server_of(args), consistent=False) as world:  # what is wrong is counted, and may be wanted
        code = WRONG
        try:
            code, wrong = live_through(args, world, dice, workers)
            return code, wrong
        finally:
            if code == WRONG and args.keep:
                shutil.copytree(world.folder, args.keep, dirs_exist_ok=True)


def names_of(text):
    names = [name for name in text.split(",") if name]
    unknown = set(names) - set(DEEDS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no such deed: {', '.join(sorted(unknown))}; there are {', '.join(DEEDS)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--domains", type=int, default=60)
    parser.add_argument("--workers", type=int, help="2 to 8, as the seed says, unless told")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--deeds", type=names_of, default=["freeze"], metavar="NAME,...", help=", ".join(DEEDS))
    parser.add_argument("--every", type=int, default=3, metavar="N", help="a deed before every Nth kill")
    parser.add_argument("--redis", choices=("one", "sentinels", "cluster"), default="one", help="what Redis is")
    parser.add_argument("--fsync", choices=("always", "everysec", "no"), default="always", help="of the AOF")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SV_SEED", time.time_ns() % 1_000_000)))
    parser.add_argument("--variant", default="sesverify")
    parser.add_argument("--keep", metavar="FOLDER", help="where the workers' logs are put when something was wrong")
    parser.add_argument("--short", action="store_true", help="a run that need not count, and is not prolonged for it")
    parser.add_argument("--expect-wrong", metavar="WORDS", help="succeed only if something was wrong that is told with these words")
    args = parser.parse_args()
    code, wrong = run(args)
    if not args.expect_wrong:
        return code
    caught = [line for line in wrong if args.expect_wrong in line]
    told = f"this worker was caught {len(caught)} times" if caught else f"nothing {args.expect_wrong!r} was wrong: the test cannot fail"
    print(told)
    return 0 if caught else 1


if __name__ == "__main__":
    sys.exit(main())
