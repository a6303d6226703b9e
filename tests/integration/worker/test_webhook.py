"""Events at a webhook: real HTTPS, an authority of its own, and signatures checked by other code than ours."""
import collections
import json
import os
import random
import signal
import time
import urllib.request

import pytest

import cli_schemas
from receiver import Receiver, new_secret, verify
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World, address

SINK, ACTION, LETTER, STATUS = (cli_schemas.load(name) for name in ("sink", "sink-action", "sink-letter", "worker"))
QUICK = "0s, 200ms, 400ms, 800ms, 1s, 1s, 1s, 1s, 1s, 1s"


class Hook:
    """A world with one sink, `hook`."""

    def __init__(self, tmp_path, receiver, lines=(), secrets=None, host="127.0.0.1"):
        self.secrets = secrets or [new_secret()]
        self.receiver = receiver
        self.secret = tmp_path / "secret"
        self.secret.write_text("\n".join(self.secrets) + "\n")
        self.secret.chmod(0o600)
        self.file = tmp_path / "sesverify.conf"
        self.file.write_text("\n".join([
            "[sink hook]", f"url = https://{host}:{receiver.port}/events", f"ports = {receiver.port}",
            f"secret_file = {self.secret}", f"ca_file = {receiver.authority.pem}", "allow_addresses = 127.0.0.1",
            f"retries = {QUICK}", *lines]) + "\n")
        self.args = ["--config", str(self.file)]

    def start(self, world, **settings):
        return world.start_worker(args=self.args, **settings)


def kinds(messages):
    return [message.event["type"].split(".")[3] for message in messages]


def domain_events(messages):
    return [message.event for message in messages if ".domain." in message.event["type"]]


def assert_in_order(messages):
    """Per domain 1, 2, 3 ... in what was taken; repeats only of the last one."""
    last = collections.defaultdict(int)
    repeats = 0
    for event in domain_events(messages):
        number = int(event["sequence"])
        assert number in (last[event["source"]], last[event["source"]] + 1), (event["source"], number, last[event["source"]])
        repeats += number == last[event["source"]]
        last[event["source"]] = number
    return repeats


def live(world, domains):
    """Each registered, verified and removed; waits until the outbox says so."""
    for domain in domains:
        world.push("register", "c1", domain)
    for domain in domains:
        world.publish(domain, world.wait_event("registered", domain)["data"]["dns_records"])
    for domain in domains:
        world.wait_event("verified", domain)
        world.push("remove", "c1", domain, delete_identity=True)
    for domain in domains:
        world.wait_event("removed", domain)


def wait_all_taken(world, receiver):
    """Every event of the outbox was taken, byte for byte."""
    def missing():
        ids = {message.event["id"] for message in receiver.taken}
        return [event["id"] for event in world.events() if event["id"] not in ids]
    try:
        wait_for(lambda: not missing(), "every event at the webhook", DEADLINE_S)
    except AssertionError:
        raise AssertionError(f"missing: {missing()}") from None
    by_id = {message.event["id"]: message.event for message in receiver.taken}
    for event in world.events():
        assert by_id[event["id"]] == event


def port(worker, path):
    return urllib.request.urlopen(f"http://{address(worker)}{path}", timeout=DEADLINE_S).read().decode()


def metrics(worker):
    return port(worker, "/metrics")


def status(worker):
    shown = json.loads(port(worker, "/status"))
    assert not cli_schemas.faults(STATUS, shown)
    return shown


def test_a_life_is_told_signed_and_in_order(tmp_path):
    secrets = [new_secret(24), new_secret(64)]
    with Receiver(tmp_path) as receiver, World() as world:
        hook = Hook(tmp_path, receiver, secrets=secrets)
        worker = hook.start(world)
        live(world, [f"d{i}.example" for i in range(4)])
        wait_all_taken(world, receiver)
        assert assert_in_order(receiver.taken) == 0
        for message in receiver.messages:
            assert message.path == "/events"
            assert message.headers["content-type"] == "application/cloudevents+json"
            assert message.headers["webhook-id"] == message.event["id"]
            for secret in secrets:  # while keys rotate, whoever has either key can check
                assert verify(secret, message.headers, message.body) == 2
            with pytest.raises(AssertionError, match="no signature"):
                verify(new_secret(), message.headers, message.body)
            with pytest.raises(AssertionError, match="no signature"):
                verify(secrets[0], message.headers, message.body.replace(b"c1", b"c2"))
        for secret in secrets:
            assert secret not in worker.text() and secret[6:] not in worker.text()
        wanted = [f'sesverify_events_emitted_total{{sink="hook",result="delivered"}} {len(receiver.taken)}\n',
                  f'sesverify_event_delivery_seconds_count{{sink="hook"}} {len(receiver.taken)}\n', 'sesverify_events_backlog{sink="hook"} 0\n']
        wait_for(lambda: all(line in metrics(worker) for line in wanted), f"the metrics {wanted}", DEADLINE_S)
        print(f"{len(receiver.messages)} messages, all signatures right")


def test_F51_webhook_slow_4xx_and_cut(tmp_path):
    """One domain is refused, one cut; the others hear at once, and all hear in the end, in order."""
    trouble = {"refused": 4, "cut": 3, "busy": 2, "moved": 2}

    def answer(message):
        word = (message.event.get("subject") or "").split(".")[0]
        if trouble.get(word, 0) > 0:
            trouble[word] -= 1
            return {"refused": 400, "cut": None, "busy": (503, {"Retry-After": "1"}), "moved": (301, {"Location": "/x"})}[word]
        return 200
    with Receiver(tmp_path) as receiver, World() as world:
        receiver.answer = answer
        hook = Hook(tmp_path, receiver)
        worker = hook.start(world)
        live(world, ["refused.example", "cut.example", "busy.example", "moved.example", "well.example"])
        wait_all_taken(world, receiver)
        assert_in_order(receiver.taken)
        assert not any(trouble.values())
        assert all(message.path == "/events" for message in receiver.messages)  # no redirect was followed
        for text in ("answered 400", "answered 503", "a redirect, which is not followed"):
            assert text in worker.text(), text


@pytest.mark.parametrize("status, all_wait", [(429, True), (502, True), (503, True), (504, True), (400, False), (500, False)])
def test_F51_webhook_who_waits(tmp_path, status, all_wait):
    """Retry-After of a target that is overloaded is for all events, with any other answer it is for this one alone."""
    heard = []

    def answer(message):
        heard.append((message.event["id"], time.monotonic()))
        return (status, {"Retry-After": "2"}) if len(heard) == 1 else 200
    with Receiver(tmp_path) as receiver, World() as world:
        receiver.answer = answer
        worker = Hook(tmp_path, receiver).start(world)
        first = f"job.0.{world.push('recheck', 'c1', 'a.example')}"  # answered at once: nobody has registered it
        wait_for(lambda: "sink_delivery_failed" in worker.text(), "the first attempt to fail", DEADLINE_S)
        second = f"job.0.{world.push('recheck', 'c1', 'b.example')}"
        wait_for(lambda: len(heard) == 3, "three attempts", DEADLINE_S)
        if all_wait:
            assert heard[1][1] - heard[0][1] >= 1.9, heard
        else:
            assert [name for name, _ in heard] == [first, second, first]
            assert heard[2][1] - heard[0][1] >= 1.9, heard


def test_F51_webhook_gone(tmp_path):
    """410: nothing goes there any more, nothing is lost, and after `enable` everything arrives."""
    with Receiver(tmp_path) as receiver, World() as world:
        receiver.answer = lambda message: 410
        hook = Hook(tmp_path, receiver)
        worker = hook.start(world)
        world.push("register", "c1", "a.example")
        wait_for(lambda: '"event":"sink_disabled"' in worker.text(), "the sink to be disabled", DEADLINE_S)
        seen = wait_for(lambda: next((sink for sink in status(worker)["sinks"] if sink["disabled"] and sink["waiting"]), None),
                        "the status port to say so", DEADLINE_S)
        assert (seen["sink"], seen["shards_served"], seen["dead"]) == ("hook", 1, 0), seen
        assert seen["failed_at"] and "410" in seen["error"], seen
        assert {'sesverify_sink_disabled{sink="hook"} 1', 'sesverify_sink_dead_events{sink="hook"} 0'} <= set(
            port(worker, "/metrics").splitlines())
        assert "hook is disabled" in world.command("top", "--once", "--port", address(worker)).stdout
        shown = json.loads(world.command("sinks", "list", "--json", *hook.args).stdout)
        assert not cli_schemas.faults(SINK, shown)
        assert shown["sink"] == "hook" and shown["disabled_at"] and "410" in shown["disabled_why"], shown
        receiver.answer = lambda message: 200
        world.publish("a.example", world.wait_event("registered", "a.example")["data"]["dns_records"])
        world.wait_event("verified", "a.example")
        assert not receiver.taken
        assert "disabled" in world.command("sinks", "list", *hook.args).stdout
        assert world.command("sinks", "enable", "other", *hook.args).returncode == 65
        done = world.command("sinks", "enable", "hook", "--json", *hook.args)
        assert done.returncode == 0, done.stderr
        assert not cli_schemas.faults(ACTION, json.loads(done.stdout)) and json.loads(done.stdout)["changed"]
        wait_all_taken(world, receiver)
        assert_in_order(receiver.taken)
        well = {"sink": "hook", "shards_served": 1, "waiting": 0, "oldest_ms": 0, "dead": 0, "disabled": False}
        wait_for(lambda: well.items() <= status(worker)["sinks"][0].items(), "the status port to say so", DEADLINE_S)
        assert "is disabled" not in world.command("top", "--once", "--port", address(worker)).stdout


def test_dead_letters_are_replayed(tmp_path):
    with Receiver(tmp_path) as receiver, World() as world:
        receiver.answer = lambda message: 500
        hook = Hook(tmp_path, receiver, lines=["timeout = 2s"])
        text = hook.file.read_text().replace(QUICK, "0s, 50ms")
        hook.file.write_text(text)
        hook.start(world)
        world.push("register", "c1", "a.example")
        world.wait_event("registered", "a.example")

        def dead():
            return [json.loads(line) for line in world.command("sinks", "dead", "hook", "--json", *hook.args).stdout.splitlines()]
        # registered, the job's answer, and the first look's update; none dies while the rest of this goes on
        wait_for(lambda: len(dead()) == len(world.events()) >= 3, "dead letters", DEADLINE_S)
        letter = next(letter for letter in dead() if letter["type"] == "io.sesverify.domain.registered.v1")
        assert letter["attempts"] == 2 and letter["error"] == "answered 500: not 2xx" and letter["subject"] == "a.example"
        assert not [fault for each in dead() for fault in cli_schemas.faults(LETTER, each)]
        assert "answered 500" in world.command("sinks", "dead", "hook", *hook.args).stdout
        for wrong in (["--dead", "--from", "0"], [], ["--from", "yesterday"], ["--dead"]):  # the last: nobody can be asked
            assert world.command("sinks", "replay", "hook", *wrong, *hook.args).returncode == 64
        receiver.answer = lambda message: 200
        planned = world.command("sinks", "replay", "hook", "--dead", "--dry-run", *hook.args)
        assert planned.returncode == 0 and int(planned.stdout.split()[2]) >= 2, planned
        assert len(dead()) >= 2
        done = world.command("sinks", "replay", "hook", "--dead", "--yes", "--json", *hook.args)
        assert done.returncode == 0, done.stderr
        assert not cli_schemas.faults(ACTION, json.loads(done.stdout)) and json.loads(done.stdout)["events"] >= 2
        wait_all_taken(world, receiver)
        assert not dead()
        before = len(receiver.taken)
        done = world.command("sinks", "replay", "hook", "--from", "0", "--yes", *hook.args)
        assert done.returncode == 0, done.stderr
        wait_for(lambda: len(receiver.taken) >= before + len(world.events()), "everything once more", DEADLINE_S)


def test_a_death_between_delivery_and_acknowledgement(tmp_path):
    """The same event twice, and nothing lost: its id tells."""
    state = {}

    def answer(message):
        if "verified" in message.event["type"] and "killed" not in state:
            state["killed"] = message.event["id"]
            os.kill(state["pid"], signal.SIGKILL)
        return 200
    with Receiver(tmp_path) as receiver, World() as world:
        receiver.answer = answer
        hook = Hook(tmp_path, receiver)
        state["pid"] = hook.start(world).pid
        world.push("register", "c1", "a.example")
        world.publish("a.example", world.wait_event("registered", "a.example")["data"]["dns_records"])
        wait_for(lambda: "killed" in state, "the worker to be killed", DEADLINE_S)
        world.workers[0].process.wait()
        world.start_worker(args=hook.args)
        wait_all_taken(world, receiver)

        def told():
            return [message for message in receiver.messages if message.event["id"] == state["killed"]]
        wait_for(lambda: len(told()) > 1, "the event once more", DEADLINE_S)
        repeats = told()
        assert len(repeats) == 2 and repeats[0].body == repeats[1].body
        assert repeats[0].headers["webhook-id"] == repeats[1].headers["webhook-id"]
        assert_in_order(receiver.taken)
        world.workers.pop(0)


def test_many_deaths(tmp_path):
    """Two workers, one of which dies again and again, with a target that fails now and then: nothing is lost, nothing comes out of
    order, and the only repeats are of what was under way."""
    seed = random.randrange(2 ** 32)
    print("seed", seed)
    rand = random.Random(seed)
    settings = {"SESVERIFY_WORKER_RECLAIM": "1s", "SESVERIFY_WORKER_LEASE": "2s"}
    with Receiver(tmp_path) as receiver, World(settings=settings) as world:
        receiver.answer = lambda message: 500 if rand.random() < 0.2 else 200
        hook = Hook(tmp_path, receiver)
        hook.start(world)
        world.start_worker(args=hook.args)
        domains = [f"d{i}.example" for i in range(5)]
        for _ in range(3):
            last = {domain: max([0, *(int(e["sequence"]) for e in world.domain_events(domain))]) for domain in domains}
            for domain in domains:
                world.push("register", "c1", domain)
            for kill in range(3):
                victim = rand.choice(world.workers)
                wait_for(lambda: len(receiver.messages) > kill * 3, "messages", DEADLINE_S)
                victim.kill()
                world.workers.remove(victim)
                world.start_worker(args=hook.args)
            for domain in domains:
                world.wait_event("registered", domain, after=last[domain])
                world.push("remove", "c1", domain, delete_identity=True)
            for domain in domains:
                world.wait_event("removed", domain, after=last[domain])
        receiver.answer = lambda message: 200
        wait_all_taken(world, receiver)
        repeats = assert_in_order(receiver.taken)
        print(f"9 deaths, {len(world.events())} events, {len(receiver.messages)} attempts, {repeats} repeats, none lost")


def test_two_workers_and_one_serves(tmp_path):
    with Receiver(tmp_path) as receiver, World() as world:
        hook = Hook(tmp_path, receiver)
        hook.start(world)
        world.start_worker(args=hook.args)
        live(world, ["a.example", "b.example"])
        wait_all_taken(world, receiver)
        ids = [message.event["id"] for message in receiver.messages]
        assert len(ids) == len(set(ids)), "told twice"
        serving = next(w for w in world.workers if '"event":"sink_served"' in w.text())
        assert sum('"event":"sink_served"' in w.text() for w in world.workers) == 1
        assert serving.stop() == 0  # it leaves, and the other takes over at once
        world.workers.remove(serving)
        live(world, ["c.example"])
        wait_all_taken(world, receiver)
        assert assert_in_order(receiver.taken) == 0


def test_what_is_not_wanted_is_not_sent(tmp_path):
    with Receiver(tmp_path) as receiver, World() as world:
        hook = Hook(tmp_path, receiver, lines=["events = verified, removed", "clients = c1"])
        hook.start(world)
        world.push("register", "c2", "b.example")
        live(world, ["a.example"])
        wait_for(lambda: kinds(receiver.taken) == ["verified", "removed"], "the two", DEADLINE_S)
        wait_for(lambda: json.loads(world.command("sinks", "list", "--json", *hook.args).stdout)["open"] == 0, "the rest", DEADLINE_S)
        assert kinds(receiver.messages) == ["verified", "removed"]


def test_what_others_wrote_into_the_outbox_is_put_aside(tmp_path):
    """What has no event in it is settled, what is none is dead at once: neither holds up what is ours."""
    with Receiver(tmp_path) as receiver, World(judged=False) as world:
        hook = Hook(tmp_path, receiver)
        worker = hook.start(world)
        for fields in ({"other": "x"}, {"event": "no JSON"}, {"event": '{"type": "of.another"}'}):
            world.redis.xadd("sv:{0}:events", fields)
        world.push("recheck", "c1", "a.example")
        wait_for(lambda: kinds(receiver.taken) == ["finished"], "what is ours", DEADLINE_S)
        wait_for(lambda: [json.loads(world.command("sinks", "list", "--json", *hook.args).stdout)[name]
                          for name in ("open", "unread", "dead")] == [0, 0, 2], "the others", DEADLINE_S)
        letters = [json.loads(line) for line in world.command("sinks", "dead", "hook", "--json", *hook.args).stdout.splitlines()]
        assert [letter["error"] for letter in letters] == ["it is no event"] * 2
        assert worker.text().count('"event":"sink_event_gone"') == 1


def test_F52_an_address_inside_is_not_connected_to(tmp_path):
    """Without allow_addresses loopback is out of reach, whatever name leads there; nothing arrives."""
    with Receiver(tmp_path, names=["localhost", "127.0.0.1"]) as receiver, World() as world:
        hook = Hook(tmp_path, receiver, host="localhost")
        hook.file.write_text(hook.file.read_text().replace("allow_addresses = 127.0.0.1\n", ""))
        worker = hook.start(world)
        world.push("register", "c1", "a.example")
        wait_for(lambda: '"event":"sink_delivery_failed"' in worker.text(), "an attempt to fail", DEADLINE_S)
        failed = next(json.loads(line) for line in worker.text().splitlines() if '"sink_delivery_failed"' in line)
        assert "address" in failed["msg"], failed
        assert not receiver.messages


def test_nothing_is_told_that_no_replica_has(tmp_path):
    """A replica that stands still: a fail-over could undo the event, so nobody hears of it. Without any replica there is none to
    wait for."""
    with Receiver(tmp_path) as receiver, RedisServer(port=True) as replica, World(server=RedisServer(port=True)) as world:
        client = replica.client()
        client.execute_command("REPLICAOF", "127.0.0.1", world.redis_server.port)
        wait_for(lambda: client.info("replication")["master_link_status"] == "up", "the replica", DEADLINE_S)
        hook = Hook(tmp_path, receiver)
        worker = hook.start(world)
        world.push("register", "c1", "a.example")
        wait_for(lambda: "registered" in kinds(receiver.taken), "the first event", DEADLINE_S)
        wait_all_taken(world, receiver)
        replica.pause()
        world.push("register", "c1", "b.example")
        world.wait_event("registered", "b.example")
        wait_for(lambda: '"event":"sink_waits_for_replica"' in worker.text(), "the sink to wait", DEADLINE_S)
        assert not [m for m in receiver.messages if m.event["data"].get("domain") == "b.example"]
        replica.resume()
        wait_all_taken(world, receiver)
        replica.stop()
        world.push("register", "c1", "c.example")
        world.wait_event("registered", "c.example")
        wait_all_taken(world, receiver)
        assert_in_order(receiver.taken)


@pytest.mark.parametrize("lines, code, said", [
    (["url = https://user@hooks.example/"], 78, "without a user"),
    (["url = https://hooks.example:8443/"], 78, "port"),
    (["url = https:///x"], 78, "url must be"),
    (["url = https://hooks.example/", "secret_file ="], 78, "secret_file"),
    (["url = https://hooks.example/", "secret_file = /nowhere"], 77, "cannot be read"),
    (["format = slack", "secret_file ="], 78, "a webhook needs url, or secret_file with it"),
    (["format = slack"], 78, "url must be"),  # what the file holds is none, and is not quoted
])
def test_what_cannot_be_a_webhook(tmp_path, lines, code, said):
    secret = tmp_path / "secret"
    secret.write_text(new_secret() + "\n")
    secret.chmod(0o600)
    file = tmp_path / "sesverify.conf"
    if not any(line.startswith("secret_file") for line in lines):
        lines = [*lines, f"secret_file = {secret}"]
    file.write_text("\n".join(["[sink hook]", *lines]) + "\n")
    with World() as world:
        worker = world.start_worker(wait=False, args=["--config", str(file)])
        assert worker.process.wait(DEADLINE_S) == code, worker.text()
        assert said in worker.text(), worker.text()
        assert "whsec_" not in worker.text()
        world.workers.clear()
