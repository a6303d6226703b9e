"""Of jobs about one domain the one that was sent last counts, whichever worker holds which of them for how long."""
import signal

from sandbox import wait_for
from world import DEADLINE_S, World

SETTINGS = {"SESVERIFY_WORKER_RECLAIM": "1h"}  # what a worker holds stays with it
NAME = "a.example"


def is_reading(world):
    return sum("b" in client["flags"] for client in world.redis.client_list()) == 1


def hold(world, worker, kind, client):
    """A job that the only worker has read when it stands still; its entry id. Its read may end between two looks; then nobody
    has taken the job, and we try again."""
    while True:
        wait_for(lambda: is_reading(world), "the worker to wait for jobs", DEADLINE_S)
        worker.signal(signal.SIGSTOP)
        entry = world.push(kind, client, NAME)
        if world.redis.xpending("sv:{0}:jobs", "verify")["pending"] == 1:
            return entry
        world.redis.xdel("sv:{0}:jobs", entry)
        worker.signal(signal.SIGCONT)


def answer(world, entry):
    data = world.wait_answer(entry)["data"]
    return data["outcome"], data.get("reason")


def do(world, kind, client, **fields):
    """A job of which something comes, at once or with the look that is under way."""
    assert answer(world, world.push(kind, client, NAME, **fields))[0] in ("done", "coalesced")


def test_an_old_removal_gives_way_to_a_new_registration():
    with World(settings=SETTINGS) as world:
        slow = world.start_worker()
        do(world, "register", "c1")
        late = hold(world, slow, "remove", "c1")
        other = world.start_worker()
        do(world, "register", "c1", mail_from="bounce")
        slow.signal(signal.SIGCONT)
        assert answer(world, late) == ("rejected", "superseded")
        assert other.stop() == 0
        do(world, "recheck", "c1")  # by the slow one: the domain is there
        assert not [event for event in world.domain_events(NAME) if event["data"]["to"] == "removed"]
        do(world, "remove", "c1")
        world.wait_event("removed", NAME)


def test_an_old_registration_gives_way_to_a_new_removal():
    with World(settings=SETTINGS) as world:
        slow = world.start_worker()
        do(world, "register", "c1")
        late = hold(world, slow, "register", "c1")
        world.start_worker()
        do(world, "remove", "c1")
        world.wait_event("removed", NAME)
        slow.signal(signal.SIGCONT)
        assert answer(world, late) == ("rejected", "superseded")
        # It held the name for a moment; now the name is free.
        wait_for(lambda: not world.redis.exists("sv:{o:a.example}"), "the name to be free", DEADLINE_S)
        do(world, "register", "c2")
