"""Names whose domains never verified are free again after a while."""
import time

from sandbox import wait_for
from world import DEADLINE_S, World

RELEASE_S = 3


def test_a_domain_that_never_verified_is_released_with_an_event():
    """Its client published nothing; another one that did is left alone."""
    with World(settings={"SESVERIFY_DOMAINS_UNVERIFIED_RELEASE": f"{RELEASE_S}s"}) as world:
        world.start_worker()
        world.push("register", "c1", "good.example")
        world.publish("good.example", world.wait_event("registered", "good.example")["data"]["dns_records"])
        world.wait_event("verified", "good.example")
        world.push("register", "c1", "never.example")
        registered = world.wait_event("registered", "never.example")
        begin = time.monotonic()
        refused = world.wait_answer(world.push("register", "c2", "never.example"))["data"]
        assert (refused["outcome"], refused["reason"]) == ("rejected", "claimed_by_another_client")
        removed = world.wait_event("removed", "never.example")
        print(f"released {time.monotonic() - begin:.1f} s after it was registered")
        assert time.monotonic() - begin >= RELEASE_S - 1
        assert removed["data"]["reason"] == "never_verified"
        assert removed["data"]["domain_id"] == registered["data"]["domain_id"]
        assert removed["data"]["to"] == "removed"
        wait_for(lambda: not world.redis.exists("sv:{o:never.example}"), "the name to be free", DEADLINE_S)
        assert world.wait_answer(world.push("register", "c2", "never.example"))["data"]["outcome"] == "done"
        # The same client may have it again as well, with the number that follows.
        world.wait_event("removed", "never.example", after=1, where=lambda data: data["client_id"] == "c2")
        wait_for(lambda: not world.redis.exists("sv:{o:never.example}"), "the name to be free again", DEADLINE_S)
        assert world.wait_answer(world.push("register", "c1", "never.example"))["data"]["outcome"] == "done"
        again = world.wait_event("registered", "never.example", after=int(removed["sequence"]),
                                 where=lambda data: data["client_id"] == "c1")
        world.publish("never.example", again["data"]["dns_records"])
        verified = world.wait_event("verified", "never.example", after=int(again["sequence"]))
        assert verified["data"]["client_id"] == "c1"
        assert [e["type"].split(".")[3] for e in world.domain_events("good.example")].count("removed") == 0
