"""Bad days of DNS: silence and confusion are no evidence."""
import socket

import pytest

from bad_days import QUICK, STEADY, register, statuses, verify
from sandbox import wait_for
from steady import no_faults_are_left  # noqa: F401
from world import World

DOMAIN = "steady.example"
SETTINGS = {**QUICK, "SESVERIFY_DNS_TRY_TIMEOUT": "150ms", "SESVERIFY_DNS_QUERY_TIMEOUT": "500ms",
            "SESVERIFY_WORKER_DNS_TIMEOUT": "1500ms"}


def start(world):
    world.start_worker()
    records = verify(world, DOMAIN)
    # From here on SES is content whatever it sees: what moves is DNS alone.
    world.sandbox.control.post(f"/identities/{DOMAIN}", {"identity": "Success", "dkim": "Success", "pin": True})
    return records


@pytest.fixture(name="world", scope="module")
def make_world():
    with World(settings=SETTINGS, **STEADY) as world:
        world.records = start(world)
        yield world


def looks(world, domain):
    """Grows with every commit for the domain."""
    event = world.domain_events(domain)[0]
    return int(world.redis.hget("sv:{0}:d:" + event["data"]["domain_id"], "cf"))


def wait_looks(world, domain, count):
    first = looks(world, domain)
    wait_for(lambda: looks(world, domain) >= first + count, f"{count} looks at {domain}")


def calm(world, domain):
    """Waits until two looks in a row told nothing new."""
    def nothing_new():
        before = len(world.domain_events(domain))
        wait_looks(world, domain, 2)
        return len(world.domain_events(domain)) == before
    wait_for(nothing_new, f"{domain} to be calm")


ROWS = [("F30_silence", {"do": "drop"}), ("F35_servfail", {"do": "servfail"}), ("F35_refused", {"do": "refused"}),
        ("F33_truncated", {"do": "truncate"}), ("F31_wrong_id", {"do": "wrong_id"}), ("F30_late", {"do": "slow", "ms": 900})]


@pytest.mark.parametrize("name,fault", ROWS, ids=[row[0] for row in ROWS])
def test_no_answer_is_no_evidence(world, name, fault):
    calm(world, DOMAIN)
    before = world.domain_events(DOMAIN)[:]
    world.sandbox.dns_fault(count=-1, **fault)
    wait_looks(world, DOMAIN, 3)
    world.sandbox.control.delete("/dns-faults")
    wait_looks(world, DOMAIN, 2)
    assert world.domain_events(DOMAIN) == before, name


def test_F30_one_dead_resolver_of_two(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, World(settings=SETTINGS, **STEADY) as other:
        silent.bind(("127.0.0.1", 0))
        other.start_worker(SESVERIFY_DNS_SERVERS=f"127.0.0.1:{silent.getsockname()[1]},{other.sandbox.dns_addr}")
        verify(other, "two.example")
        calm(other, "two.example")
        assert statuses(other, "two.example") == ["pending_verification", "verified"]
    assert world.workers[0].alive()


def test_F36_flapping_moves_no_status(world):
    calm(world, DOMAIN)
    before = statuses(world, DOMAIN)
    name = world.records[0]["name"]
    for _ in range(4):
        world.sandbox.dns_fault("nxdomain", name=name, type="TXT", count=1)  # what was right is asked for by its key
        wait_for(lambda: all(rule["count"] == 0 for rule in world.sandbox.control.get("/dns-faults")), "the lie")
        wait_looks(world, DOMAIN, 2)  # the one that met the lie may be the first; at least the second is told the truth
    assert statuses(world, DOMAIN) == before


def test_a_timed_out_probe_changes_no_diagnosis(world):
    """The doubled suffix is found by asking for a second name. When that is not answered, the record is not "missing"."""
    domain = "doubled.example"
    world.push("register", "client-1", domain)
    records = world.wait_event("registered", domain)["data"]["dns_records"]
    world.publish(domain, records, suffix="." + domain)

    def codes(data):
        return {finding["code"] for finding in data["findings"]}
    world.wait_event("updated", domain, where=lambda data: "dkim_cname_doubled_suffix" in codes(data))
    calm(world, domain)
    before = world.domain_events(domain)[:]
    world.sandbox.dns_fault("drop", name=f"*.{domain}.{domain}", count=-1)
    wait_looks(world, domain, 3)
    assert world.domain_events(domain) == before
    world.sandbox.control.delete("/dns-faults")
    wait_looks(world, domain, 2)
    assert world.domain_events(domain) == before
    world.publish(domain, records)
    world.wait_event("verified", domain)


def test_F30_a_server_that_went_away_and_came_back_without_a_record():
    with World(settings=SETTINGS, **STEADY) as world:
        records = start(world)
        calm(world, DOMAIN)
        before = world.domain_events(DOMAIN)[:]
        world.sandbox.dns_fault("drop", count=-1)
        world.publish(DOMAIN, records, without=[0])
        wait_looks(world, DOMAIN, 3)
        assert world.domain_events(DOMAIN) == before
        world.sandbox.control.delete("/dns-faults")
        risk = world.wait_event("at_risk", DOMAIN)
        assert risk["data"]["reason"] == "required_records_wrong"
        world.publish(DOMAIN, records)
        world.wait_event("restored", DOMAIN)
