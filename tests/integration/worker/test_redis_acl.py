"""The worker as the user of deploy/redis/users.acl, and what happens when it may not do something (F15)."""
import pytest

from bad_days import QUICK, STEADY, Load, counter, logged, verify, wait_logged
from redis_server import RedisServer, least_user
from sandbox import wait_for
from world import DEADLINE_S, World

PASSWORD = "least of all"
WRITES = ["xadd", "hset", "zadd", "zrem", "hdel", "hincrby", "set", "xack", "xdel"]


class LeastWorld(World):
    """Workers and commands are the user sesverify; the tests look on as the default user."""

    def __init__(self, **options):
        super().__init__(server=RedisServer(users=[least_user(PASSWORD)]), **options)

    def environment(self):
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        return {**super().environment(), "SESVERIFY_REDIS_USER": "sesverify", "SESVERIFY_REDIS_PASSWORD_FILE": str(secret)}

    def acl(self, *rules):
        self.redis.execute_command("ACL", "SETUSER", "sesverify", *rules)


def allowed():
    return {word[1:] for word in least_user(PASSWORD).split() if word[0] == "+"}


def stat_name(command):
    return "cmdstat_" + command


def denials(world):
    return int(world.redis.info("errorstats").get("errorstat_NOPERM", "count=0").split("=")[1])


def test_a_domains_life_and_every_command():
    with LeastWorld(settings=QUICK) as world:
        worker = world.start_worker()
        verify(world, "client.example")
        for words in (["status"], ["explain", "client.example"], ["records", "--client", "client-1", "client.example"],
                      ["events", "tail", "--from", "0", "--no-follow"],
                      ["enqueue", "recheck", "--client", "client-1", "--domain", "client.example", "--wait"],
                      ["enqueue", "remove", "--client", "client-1", "--domain", "client.example", "--wait"]):
            done = world.command(*words)
            assert done.returncode == 0, (words, done.stderr)
        entry = world.push_raw('{"type":')
        wait_for(lambda: world.redis.exists(f"sv:{{0}}:dead:{entry}"), "the poison to be buried", DEADLINE_S)
        for words in (["dead", "list"], ["dead", "show", entry], ["dead", "retry", "--yes", entry]):
            done = world.command(*words)
            assert done.returncode == 0, (words, done.stderr)
        # A worker that died leaves things behind: pending entries, leases that run out.
        worker.kill()
        world.workers.clear()
        world.start_worker()
        verify(world, "other.example")
        assert world.redis.execute_command("ACL", "LOG") == []
        stats = world.redis.info("commandstats")
        unused = sorted(c for c in allowed() if stat_name(c) not in stats)
        print("allowed, and not used here:", " ".join(unused))


def test_F15_a_command_that_is_missing_at_start_is_named():
    with LeastWorld() as world:
        alone = {"ping", "role", "info", "evalsha", "script|load", "xgroup|create", "xreadgroup", "hset"}
        for commands in [*({command} for command in alone), {"xadd", "zadd", "zrem", "hmget", "scan", "xautoclaim", "hsetnx"}]:
            world.acl(*("-" + command for command in commands))
            worker = world.start_worker(wait=False)
            assert worker.process.wait(DEADLINE_S) == 77, commands
            told = (logged(worker, "prepare_failed") or logged(worker, "redis_refused"))[0]["msg"].lower()
            assert all(command.split("|")[-1] in told for command in commands), (commands, told)
            world.acl(*("+" + command for command in commands))
        world.acl("resetkeys", "~sv:{0}:*")
        worker = world.start_worker(wait=False)
        assert worker.process.wait(DEADLINE_S) == 77
        assert "sv:{o:x}, sv:{w:x:x}, sv:{q:x:x:x}" in logged(worker, "prepare_failed")[0]["msg"]
        world.acl("resetkeys", "~vs:*")
        worker = world.start_worker(wait=False)
        assert worker.process.wait(DEADLINE_S) == 77
        world.workers.clear()
        assert not world.redis.keys("*")  # nothing was made meanwhile


def test_F15_a_command_that_is_denied_while_it_runs_leaves_nothing_half_written():
    with LeastWorld(settings={**QUICK, "SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "100000"}, **STEADY) as world:
        load = Load(world, 20)
        worker = world.start_worker()
        load.push("register")
        load.wait_verified()
        for command in WRITES:
            before = denials(world)
            world.acl("-" + command)
            load.push("recheck")
            wait_for(lambda: denials(world) >= before + 8, f"work to be refused without {command}", DEADLINE_S)
            assert not world.violations(), command
            world.acl("+" + command)
        line = wait_logged(worker, "store_call_denied")[0]
        assert line["error_code"] == "denied" and line["level"] == "error" and "which a script needs" in line["error"], line
        load.push("recheck")
        load.wait_settled()
        assert counter(world, "conflict") == 0 and worker.alive()
