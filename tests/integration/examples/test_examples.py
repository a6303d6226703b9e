"""The programs of examples/: consumers against a real worker, with readers that die, repetitions, a gap and a number given out
twice; receivers of webhooks against requests that the test signs, and against those that somebody spoiled."""
import base64
import copy
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

import contract
from certificates import Authority
from child import die_with_parent
from redis_variant import first
from sandbox import wait_for
from world import DEADLINE_S, World

ROOT = pathlib.Path(os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
EXAMPLES = ROOT / "examples"
STREAM = "sv:{0}:events"
NAME = "client.example"
NODE = shutil.which("node") or "node"
ENVIRONMENT = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}  # where Debian keeps node-redis


class Reader:
    """One of the consumers, with a group and a memory of its own."""

    def __init__(self, kind, world, folder):
        path = first(world.redis_server).path
        self.group = f"group-{kind}"
        self.database = folder / f"{kind}.db"
        self.environment = {**ENVIRONMENT, "REDIS_URL": f"unix://{path}", "GROUP": self.group, "NAME": "one"}
        self.words = {
            "python": ["/usr/bin/python3", EXAMPLES / "consumer.py", "--group", self.group, "--name", "one",
                       "--database", self.database, "--until-empty"],
            "node": [NODE, EXAMPLES / "consumer.js", "--until-empty"],
            "c": [contract.BUILD / "tests/integration/examples/example_consumer", path, self.group, "one", "--until-empty"],
        }[kind]
        self.redis = world.redis

    def run(self):
        """Reads what there is; [(what, id)]."""
        done = subprocess.run([str(word) for word in self.words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert self.redis.xpending(STREAM, self.group)["pending"] == 0
        return [(line["what"], line["id"]) for line in map(json.loads, done.stdout.splitlines())]

    def remembered(self, source):
        """(id, status, may send) of a domain."""
        if self.database.exists():
            with sqlite3.connect(self.database) as database:
                return database.execute("SELECT id, status, may_send = 1 FROM domains WHERE source = ?", (source,)).fetchone()
        told = json.loads(self.redis.hget(f"{self.group}:domains", source))
        return told["id"], told["status"], told["may_send"]


@pytest.fixture(name="world", scope="module")
def make_world():
    with World(redis={"small": True}) as world:  # the examples ask one server
        world.publish(NAME, [])
        worker = world.start_worker()
        world.wait_answer(world.push("register", "acme", NAME))
        world.publish(NAME, world.wait_event("registered", NAME)["data"]["dns_records"])
        world.wait_event("verified", NAME)
        world.wait_answer(world.push("recheck", "acme", NAME))
        assert worker.stop() == 0
        world.told = [copy.deepcopy(event) for event in world.events()]
        contract.streams(world.redis)
        world.judged = False  # what follows is the test's own
        yield world


def add(world, event):
    world.redis.xadd(STREAM, {"event": json.dumps(event)})


def later(event, by, epochs=0, kind=None):
    """The same change under a later number, or in a later history."""
    sequence = f"{int(event['sequence']) + by:010}"
    uid, _, was = event["id"].split(".")
    return {**event, "sequence": sequence, "epoch": f"{int(event.get('epoch', 0)) + epochs:013}", "id": f"{uid}.{sequence}.{kind or was}"}


@pytest.mark.parametrize("kind", ["python", "node", "c"])
def test_consumer(world, tmp_path, kind):
    redis = world.redis
    # Each reader has the stream to itself: what the one before it was shown is taken away.
    for entry, _ in redis.xrange(STREAM)[len(world.told):]:
        redis.xdel(STREAM, entry)
    redis.xgroup_create(STREAM, f"group-{kind}", id="0")
    reader = Reader(kind, world, tmp_path)
    redis.xreadgroup(reader.group, "one", {STREAM: ">"}, count=3)  # as one that was killed before it did anything
    first = reader.run()
    assert first == [("applied", event["id"]) for event in world.told]
    last = [event for event in world.told if ".domain." in event["type"]][-1]
    assert reader.remembered(last["source"]) == (last["id"], last["data"]["to"], last["data"]["sending_enabled"])

    redis.xgroup_setid(STREAM, reader.group, "0")  # and one that was killed before it acknowledged
    assert reader.run() == [("repeated", event["id"]) for event in world.told]

    ahead, twice, lost = later(last, 2), later(last, 2, 2, "updated"), later(last, 3, 1, "failed")
    again, back = later(last, 2, 3, "updated"), later(last, 0, 4, "restored")
    again["data"] = {**last["data"], "to": "at_risk"}  # the id that was seen last, and it says something else
    for event in (last, ahead, twice, lost, again):
        add(world, event)
    redis.xadd(STREAM, {"event": json.dumps({**last, "type": "io.sesverify.something.new.v1"})})  # of a later release
    assert reader.run() == [("repeated", last["id"]), ("gap", ahead["id"]), ("applied", ahead["id"]), ("applied", twice["id"]),
                            ("outdated", lost["id"]), ("applied", again["id"])]
    assert reader.remembered(last["source"])[:2] == (again["id"], "at_risk")
    for event in (back, last):
        add(world, event)
    assert reader.run() == [("applied", back["id"]), ("outdated", last["id"])]
    assert reader.remembered(last["source"])[0] == back["id"]


# --- receivers of webhooks ---

OLD, NEW, FOREIGN = (secrets.token_bytes(32) for _ in range(3))


def signature(secret, message_id, stamp, body):
    """As Standard Webhooks 1.0 has it."""
    return "v1," + base64.b64encode(hmac.new(secret, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()


class Receiver:
    def __init__(self, kind):
        words = {"python": ["/usr/bin/python3", EXAMPLES / "webhook.py", "--listen", "127.0.0.1:0"],
                 "node": [NODE, EXAMPLES / "webhook.js"]}[kind]
        spoken = " ".join("whsec_" + base64.b64encode(secret).decode() for secret in (OLD, NEW))
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                                        env={**ENVIRONMENT, "WEBHOOK_SECRETS": spoken, "PORT": "0"}, preexec_fn=die_with_parent)
        self.port = self.heard()["port"]

    def heard(self):
        return json.loads(self.process.stdout.readline())

    def post(self, body, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/", body, {name.replace("_", "-"): value for name, value in headers.items()})
        status = connection.getresponse().status
        connection.close()
        return status

    def deliver(self, event, *keys, at=None, spoil=lambda body: body, message_id=None):
        body = json.dumps(event).encode()
        stamp = str(int(time.time() if at is None else at))
        signed = " ".join(signature(key, event["id"], stamp, body) for key in keys)
        return self.post(spoil(body), webhook_id=message_id or event["id"], webhook_timestamp=stamp, webhook_signature=signed,
                         content_type="application/json")


@pytest.fixture(name="receiver", params=["python", "node"])
def make_receiver(request):
    receiver = Receiver(request.param)
    yield receiver
    receiver.process.kill()
    receiver.process.wait()
    receiver.process.stdout.close()


def test_receiver(receiver):
    event = json.loads((ROOT / "tests/golden/events/domain.verified.v1.json").read_text())
    for what, keys in (("received", [OLD]), ("repeated", [NEW]), ("repeated", [FOREIGN, NEW])):  # while secrets are changed
        assert receiver.deliver(event, *keys) == 204
        assert receiver.heard() == {"what": what, "source": event["source"], "id": event["id"], "type": event["type"]}
    for what, epochs in (("received", 1), ("repeated", 1), ("repeated", 0)):  # a known id counts again in a higher epoch
        assert receiver.deliver(later(event, 0, epochs), NEW) == 204
        assert receiver.heard()["what"] == what
    now = time.time()
    refused = [dict(keys=[FOREIGN]), dict(keys=[]), dict(keys=[OLD], at=now - 400), dict(keys=[OLD], at=now + 400),
               dict(keys=[OLD], spoil=lambda body: body.replace(b"verified", b"rejected")), dict(keys=[OLD], message_id="another")]
    for how in refused:
        assert receiver.deliver(event, *how.pop("keys"), **how) == 401, how
        assert receiver.heard()["what"] == "refused"
    assert receiver.post(b"{}") == 401 and receiver.heard()["why"] == "no id, or no timestamp"
    assert receiver.post(b"x" * 70000) == 413
    assert receiver.deliver(event, OLD) == 204  # and it goes on


class TlsFront:
    """Speaks TLS for a receiver that does not: what a web server does in front of it."""

    def __init__(self, pair, port):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.cert, pair.key)
        self.behind = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.relay, args=(peer,), daemon=True).start()

    def relay(self, peer):
        try:
            front = self.context.wrap_socket(peer, server_side=True)
            back = socket.create_connection(("127.0.0.1", self.behind))
        except OSError:
            return
        threading.Thread(target=self.copy, args=(back, front), daemon=True).start()
        self.copy(front, back)

    @staticmethod
    def copy(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_receiver_of_a_real_worker(receiver, tmp_path):
    """What the worker's webhook sends is what the receivers believe, in the order of each domain."""
    authority = Authority(tmp_path, "authority")
    front = TlsFront(authority.issue("server", ["127.0.0.1"]), receiver.port)
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + base64.b64encode(NEW).decode() + "\n")
    secret.chmod(0o600)
    config = tmp_path / "sinks.conf"
    config.write_text(f"[sink hook]\nkind = webhook\nurl = https://127.0.0.1:{front.port}/\nports = {front.port}\n"
                      f"secret_file = {secret}\nca_file = {authority.pem}\nallow_addresses = 127.0.0.1\n")
    with World() as world:
        world.publish(NAME, [])
        world.start_worker(args=("--config", config))
        world.push("register", "acme", NAME)
        world.publish(NAME, world.wait_event("registered", NAME)["data"]["dns_records"])
        world.wait_event("verified", NAME)
        wanted = [event["id"] for event in world.domain_events(NAME)]
        heard = []
        while wanted[-1] not in heard:
            told = receiver.heard()
            assert told["what"] == "received", told
            heard += [told["id"]] if ".domain." in told["type"] else []
        assert heard[:len(wanted)] == wanted
        assert base64.b64encode(NEW).decode() not in world.workers[0].text()
    front.listener.close()
