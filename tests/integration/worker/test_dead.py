"""`sesverify dead`: what ended in the dead letters is shown, made a job again, or thrown away."""
import json
import os
import pty
import subprocess
import zlib

import pytest

import cli_schemas
import redis_variant
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

LETTER, ACTION = cli_schemas.load("dead-letter"), cli_schemas.load("dead-action")
POISON = {"malformed_json": '{"type":', "unknown_type": '{"type":"paint","client_id":"acme","domain":"a.example"}',
          "unknown_account": '{"type":"register","client_id":"beta","domain":"b.example","account":"moon","id":"j-7"}'}


def lines(done, validator, code=0):
    assert done.returncode == code, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for one in told:
        assert not cli_schemas.faults(validator, one), one
    return told


def listed(world, *words):
    return lines(world.command("dead", "list", "--json", *words), LETTER)


def acted(world, *words, code=0):
    return lines(world.command("dead", *words, "--json"), ACTION, code)


def bury(world, reason, payload=None):
    """A real worker buries it."""
    entry = world.push_raw(payload or POISON[reason])
    wait_for(lambda: world.redis.hget(f"sv:{{0}}:dead:{entry}", "reason") == reason.encode(), reason, DEADLINE_S)
    return entry


def test_list_and_show():
    with World() as world:
        world.start_worker()
        assert listed(world) == []
        entries = {reason: bury(world, reason) for reason in POISON}
        told = listed(world)
        assert [one["reason"] for one in told] == list(POISON)
        assert [one["entry_id"] for one in told] == list(entries.values())
        last = told[-1]
        assert (last["client_id"], last["domain"], last["type"], last["job_id"]) == (
            "beta", "b.example", "register", "j-7")
        assert told[0]["client_id"] is None and "payload" not in told[0]
        assert [one["reason"] for one in listed(world, "--reason", "unknown_type")] == ["unknown_type"]
        assert [one["reason"] for one in listed(world, "--client", "beta")] == ["unknown_account"]
        assert listed(world, "--client", "nobody") == []
        cut = world.command("dead", "list", "--json", "--limit", "1", "--skip", "1")
        assert lines(cut, LETTER)[0]["reason"] == "unknown_type" and "--skip" in cut.stderr
        table = world.command("dead", "list")
        assert table.returncode == 0 and all(reason in table.stdout for reason in POISON)
        whole = lines(world.command("dead", "show", entries["malformed_json"], "--json"), LETTER)
        assert whole[0]["payload"] == POISON["malformed_json"]
        shown = world.command("dead", "show", entries["unknown_account"])
        assert POISON["unknown_account"] in shown.stdout and "unknown_account" in shown.stdout
        missing = world.command("dead", "show", "1-1")
        assert missing.returncode == 1 and "no dead letter" in missing.stderr


def test_retry_makes_a_job_again():
    with World() as world:
        world.start_worker()
        entry = bury(world, "unknown_account")
        world.workers[0].stop()
        [told] = acted(world, "retry", entry, "--dry-run")
        assert told["outcome"] == "dry_run" and len(listed(world)) == 1
        # The operator adds the account; what failed is done then, under its own id.
        config = world.folder / "moon.conf"
        config.write_text("[account moon]\nregion = eu-west-1\n[account default]\nregion = eu-west-1\n")
        world.start_worker(args=["--config", config])
        [told] = acted(world, "retry", entry, "--yes")
        assert (told["outcome"], told["shard"]) == ("done", 0)
        event = world.wait_event("registered", "b.example")
        assert event["data"]["job_id"] == "j-7" and event["data"]["account"] == "moon"
        assert listed(world) == []
        again = world.command("dead", "retry", entry, "--yes")
        assert again.returncode == 1 and "no dead letter" in again.stderr


def test_all_with_filters_and_what_stays_dead():
    with World() as world:
        world.start_worker()
        for _ in range(3):
            bury(world, "malformed_json")
        bury(world, "unknown_type")
        too_big = bury(world, "too_big", '{"x":"' + "y" * 70000 + '"}')
        told = acted(world, "retry", too_big, "--yes", code=1)
        assert told[0]["outcome"] == "too_big"
        before = {one["entry_id"] for one in listed(world, "--reason", "malformed_json")}
        told = acted(world, "retry", "--all", "--reason", "malformed_json", "--yes")
        assert [one["outcome"] for one in told] == ["done"] * 3
        new = {one["new_entry_id"] for one in told}
        wait_for(lambda: {one["entry_id"] for one in listed(world, "--reason", "malformed_json")} == new,
                 "them to be buried again", DEADLINE_S)
        assert not before & new
        told = acted(world, "drop", "--all", "--client", "acme", "--yes")
        assert len(told) == 1
        dropped = acted(world, "drop", *new, "--yes")
        assert [one["action"] for one in dropped] == ["drop"] * 3
        assert [one["entry_id"] for one in listed(world)] == [too_big]


def test_crash_loop_is_retried_by_a_recheck():
    with World(settings={"SESVERIFY_WORKER_DEATHS_MAX": "1", "SESVERIFY_WORKER_LEASE": "1s"}) as world:
        world.start_worker()
        world.push("register", "acme", "a.example")
        world.wait_event("registered", "a.example")
        world.workers[0].stop()
        uid = next(k for k in world.redis.keys("sv:{0}:d:*")).decode().rpartition(":")[2]
        # As five dead workers leave it; reap.lua is tested elsewhere.
        world.redis.hset("sv:{0}:dead:5-5", mapping={
            "reason": "crash_loop", "error": "e", "payload": "", "at": 1, "client_id": "acme", "domain_id": uid,
            "job_id": "5-5", "type": "register"})
        world.redis.zadd("sv:{0}:dead", {"5-5": 1})
        [told] = acted(world, "retry", "5-5", "--yes")
        [(entry, fields)] = world.redis.xrange("sv:{0}:jobs")
        assert told["new_entry_id"] == entry.decode()
        assert json.loads(fields[b"job"]) == {"type": "recheck", "client_id": "acme", "domain": "a.example",
                                              "account": "default"}
        world.start_worker()
        assert world.wait_answer(told["new_entry_id"])["data"]["outcome"] in ("done", "coalesced")
        # Of a domain that nobody has nothing can be retried.
        world.redis.hset("sv:{0}:dead:6-6", mapping={"reason": "crash_loop", "payload": "", "domain_id": "0" * 16})
        world.redis.zadd("sv:{0}:dead", {"6-6": 1})
        [told] = acted(world, "retry", "6-6", "--yes", code=1)
        assert told["outcome"] == "empty"
        acted(world, "drop", "6-6", "--yes")


def test_a_job_of_the_wrong_shard_goes_where_it_belongs():
    with redis_variant.make() as server:
        redis = server.client(decode_responses=True)
        right = zlib.crc32(b"acme") % 4
        wrong = (right + 1) % 4
        job = {"type": "recheck", "client_id": "acme", "domain": "a.example"}
        for shard in (wrong, right):
            redis.hset(f"sv:{{{shard}}}:dead:5-5", mapping={"reason": "wrong_shard", "error": "e",
                                                              "payload": json.dumps(job), "at": 1})
            redis.zadd(f"sv:{{{shard}}}:dead", {"5-5": 1})

        def dead(*words):
            return subprocess.run([worker_program(), "dead", *words, "--set", "redis.shards=4"],
                                  env={**os.environ, **server.environment()}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=DEADLINE_S, check=False)
        assert len(lines(dead("list", "--json"), LETTER)) == 2
        assert len(lines(dead("list", "--json", "--shard", str(right)), LETTER)) == 1
        both = dead("retry", "5-5", "--yes")
        assert both.returncode == 64 and "give --shard" in both.stderr
        [told] = lines(dead("retry", "5-5", "--shard", str(wrong), "--yes", "--json"), ACTION)
        assert told["outcome"] == "done"
        [(entry, fields)] = redis.xrange(f"sv:{{{right}}}:jobs")
        assert entry == told["new_entry_id"] and json.loads(fields["job"]) == {**job, "id": "5-5"}
        assert not redis.exists(f"sv:{{{wrong}}}:jobs", f"sv:{{{wrong}}}:dead", f"sv:{{{wrong}}}:dead:5-5")
        assert dead("list", "--shard", "4").returncode == 64


@pytest.mark.parametrize("answer, code, left", [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1)])
def test_C3_somebody_at_the_terminal_is_asked(answer, code, left):
    with redis_variant.make() as server:
        redis = server.client()
        redis.hset("sv:{0}:dead:5-5", mapping={"reason": "r", "payload": "p", "at": 1})
        redis.zadd("sv:{0}:dead", {"5-5": 1})
        command, env = [worker_program(), "dead", "drop", "5-5"], {**os.environ, **server.environment()}
        refused = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=DEADLINE_S, check=False)
        assert refused.returncode == 64 and "--yes" in refused.stderr and redis.zcard("sv:{0}:dead") == 1
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, env=env, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.write(ours, answer.encode())
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == code and "Drop 1 dead letter?" in said
        assert redis.zcard("sv:{0}:dead") == left
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("words", [["retry"], ["drop"], ["drop", "1-1", "--all"], ["retry", "1-1", "--reason", "r"],
                                   ["list", "--limit", "0"], ["list", "--skip", "-1"], ["show"]])
def test_E4_usage(words):
    done = subprocess.run([worker_program(), "dead", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    assert done.returncode == 64, done.stderr
