"""A domain that goes to and fro: one summary, silence, and what it came to; the stream itself stays complete. Events are put
into the outbox by the test, so that it decides when a domain turns."""
import datetime
import json

import pytest

from receiver import Receiver
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World

UID, OTHER = "acb4fca421444766", "0123456789abcdef"
QUIET = "2s"


class Stage:
    """A worker with a message sink (`/slack`) and one that gets every event (`all`, a stream of another Redis)."""

    def __init__(self, world, receiver, taker, folder, **settings):
        self.world, self.receiver, self.taken = world, receiver, taker.client()
        lines = {"flapping_changes": 4, "flapping_window": "1h", "flapping_quiet": QUIET, **settings}
        self.file = folder / "sesverify.conf"
        self.file.write_text("\n".join([
            "[sink people]", "format = slack", f"url = https://127.0.0.1:{receiver.port}/slack", f"ports = {receiver.port}",
            f"ca_file = {receiver.authority.pem}", "allow_addresses = 127.0.0.1",
            "events = at_risk, failed, verified, restored, removed", "retries = 0s, 200ms, 400ms, 1s, 1s, 1s",
            *(f"{name} = {value}" for name, value in lines.items()),
            "[sink all]", "kind = redis", f"url = {taker.url()}", "stream = everything"]) + "\n")
        self.sequences = {}
        self.at = datetime.datetime.now(datetime.timezone.utc)
        self.start()

    def start(self):
        return self.world.start_worker(args=["--config", str(self.file)])

    def tell(self, *kinds, uid=UID):
        """One event each into the outbox, as a worker would write them, all at once."""
        pipe = self.world.redis.pipeline()
        for kind in kinds:
            number = self.sequences[uid] = self.sequences.get(uid, 0) + 1
            self.at = max(datetime.datetime.now(datetime.timezone.utc), self.at + datetime.timedelta(milliseconds=1))
            now = self.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"
            event = {"specversion": "1.0", "type": f"io.sesverify.domain.{kind}.v1", "source": f"/sesverify/default/{uid}",
                     "id": f"{uid}.{number:010d}.{kind}", "subject": "client.example", "time": now,
                     "sequence": f"{number:010d}",
                     "data": {"domain_id": uid, "client_id": "acme", "account": "default", "domain": f"{uid}.example",
                              "from": "verified", "to": "at_risk", "reason": "changed", "findings": []}}
            pipe.xadd("sv:{0}:events", {"event": json.dumps(event)})
        pipe.execute()
        wait_for(lambda: self.complete() == sum(self.sequences.values()), "the events in the full stream", DEADLINE_S)

    def complete(self):
        return self.taken.xlen("everything")

    def told(self, uid=UID):
        """What people were told of the domain, a word for each message."""
        words = {"may soon": "risk", "cannot send": "failed", "did not verify": "failed", "well again": "good",
                 "is verified": "good", "is flapping": "FLAPPING", "given back": "removed"}
        texts = [message.event["text"] for message in self.receiver.taken if message.event["text"].startswith(uid)]
        return [next(word for piece, word in words.items() if piece in text) for text in texts]

    def wait_told(self, wanted, uid=UID):
        try:
            wait_for(lambda: self.told(uid) == wanted, f"{wanted}", DEADLINE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; told: {self.told(uid)}") from None


@pytest.fixture
def stage(tmp_path):
    with Receiver(tmp_path) as receiver, RedisServer() as taker, World(judged=False) as world:
        yield Stage(world, receiver, taker, tmp_path)


TURNS = ["restored", "at_risk"] * 3  # the sixth makes the fifth turn
SUMMED = ["good", "risk", "good", "risk", "good", "FLAPPING"]


def test_a_summary_then_silence_then_what_it_came_to(stage):
    stage.tell(*TURNS)
    stage.wait_told(SUMMED)
    stage.tell("restored", "at_risk", "restored", "at_risk", "restored", "updated")
    stage.tell("restored", uid=OTHER)  # others are told meanwhile
    stage.wait_told(["good"], OTHER)
    assert stage.told() == SUMMED
    stage.wait_told(SUMMED + ["good"])  # after QUIET
    assert stage.complete() == 13  # the stream itself has every event
    stage.tell("at_risk")  # and all is as it was before
    stage.wait_told(SUMMED + ["good", "risk"])


def test_what_is_worse_is_told_at_once(stage):
    stage.tell(*TURNS, "restored", "failed")
    stage.wait_told(SUMMED + ["failed"])
    stage.tell("removed")  # and the end of it, too
    stage.wait_told(SUMMED + ["failed", "removed"])


def test_a_summary_that_fails_is_told_again(stage):
    stage.tell(*TURNS[:5])
    stage.wait_told(SUMMED[:5])
    tries = []
    stage.receiver.answer = lambda message: tries.append(message) or (204 if len(tries) > 2 else 503)
    stage.tell(TURNS[5], "restored")
    stage.wait_told(SUMMED + ["good"])
    assert ["is flapping" in message.event["text"] for message in tries[:3]] == [True] * 3


def test_what_is_held_back_outlives_its_worker(stage):
    """kill -9 while an event is held back: it is open in the store, and told by the next worker."""
    stage.tell(*TURNS, "restored")
    stage.wait_told(SUMMED)
    wait_for(lambda: '"event":"sink_event_held"' in stage.world.workers[-1].text(), "the event to be held", DEADLINE_S)
    stage.world.workers[-1].kill()
    stage.world.workers.clear()
    assert stage.told() == SUMMED
    stage.start()
    stage.wait_told(SUMMED + ["good"])
