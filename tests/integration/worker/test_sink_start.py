"""A sink is told all that its first worker writes, from the first job on."""
import json
import time

from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World

STARTS = 20


def test_nothing_is_missed_before_the_first_turn(tmp_path):
    """A sink that nobody has served before, and jobs that are there before the worker is: so many times."""
    events = 0
    began = time.monotonic()
    with World() as world, RedisServer() as taker:
        taken = taker.client()
        for start in range(STARTS):
            stream, domain, before = f"sink-{start}", f"d{start}.example", len(world.events())
            file = tmp_path / f"{stream}.conf"
            file.write_text(f"[sink {stream}]\nkind = redis\nurl = {taker.url()}\nstream = {stream}\n")
            refused = world.push("recheck", f"c{start}", domain)  # answered at once: nobody has registered it
            world.push("register", f"c{start}", domain)
            worker = world.start_worker(args=["--config", str(file)])
            world.wait_answer(refused)
            world.wait_event("registered", domain)

            def missed():
                got = {json.loads(fields["event"])["id"] for _, fields in taken.xrange(stream)}
                return [event["id"] for event in world.events()[before:] if event["id"] not in got]
            try:
                wait_for(lambda: not missed(), "all events at the sink", DEADLINE_S)
            except AssertionError:
                raise AssertionError(f"start {start}: the sink missed {missed()}") from None
            events += len(world.events()) - before
            assert worker.stop() == 0
    print(f"{STARTS} starts, {events} events, none missed, {time.monotonic() - began:.1f} s")
