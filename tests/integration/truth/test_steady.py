"""Flapping, split and failing views never change a status (F30, F35, F36), through the whole worker: real servers, real
resolvers and lying ones; SES is content all the time, so that what moves is DNS alone."""
import pytest

from bad_days import QUICK, STEADY, statuses
from dns_lab import RESOLVERS, SERVERS
from sandbox import wait_for
from world import DEADLINE_S, World, zone_line

SETTINGS = {**QUICK, "SESVERIFY_DNS_TRY_TIMEOUT": "600ms", "SESVERIFY_DNS_QUERY_TIMEOUT": "2s",
            "SESVERIFY_WORKER_DNS_TIMEOUT": "4s", "SESVERIFY_SCHEDULE_VERIFIED_EVERY": "200ms"}
LOOKS = 2  # at each state of confusion
S1 = SERVERS["s1"][1][0]


class Names:
    """The lab as World wants it: SES asks r3, which nobody spoils."""

    def __init__(self, lab):
        self.lab = lab
        self.address = f"{RESOLVERS['r3']}:53"
        self.at = ["a", "b"]

    def zone(self, name, lines):
        self.lab.publish(name, by_owner(lines), self.at, ttl=1)


def absolute(line):
    owner, rest = line.split(None, 1)
    return f"{owner.rstrip('.')}. {rest}"


def by_owner(lines):
    out = {}
    for line in lines:
        owner, rest = line.split(None, 1)
        out.setdefault(owner, []).append(rest)
    return out


@pytest.fixture(name="world", scope="module")
def make_world(lab):
    with World(dns=Names(lab), settings={**SETTINGS, **lab.settings}, **STEADY) as world:
        world.lab, world.active = lab, []
        world.start_worker(SESVERIFY_DNS_SERVERS=f"{RESOLVERS['liar']},{RESOLVERS['liar2']}")
        yield world


@pytest.fixture(autouse=True)
def one_domain_at_a_time(world):
    """Domains that are done with are not looked at any more."""
    yield
    for domain in world.active:
        world.push("remove", "client-1", domain)
        world.wait_event("removed", domain)
    world.active.clear()


def looks(world, domain):
    event = world.domain_events(domain)[0]
    return int(world.redis.hget("sv:{0}:d:" + event["data"]["domain_id"], "cf"))


def wait_looks(world, domain, count=LOOKS):
    first = looks(world, domain)
    wait_for(lambda: looks(world, domain) >= first + count, f"{count} looks at {domain}", DEADLINE_S)


def registered(world, domain, at=("a", "b")):
    """A domain whose zone is there, without our records: that they are absent lives in caches for a second only, and not for
    the minute that its parent would give. Its records."""
    world.dns.at = list(at)
    world.publish_lines(domain, [f"{domain}. 1 MX 10 mail.{domain}."])
    world.active.append(domain)
    world.push("register", "client-1", domain)
    return world.wait_event("registered", domain)["data"]["dns_records"]


def verified(world, domain, at=("a", "b")):
    """A verified domain about which all is told; its zone (owner -> lines)."""
    records = registered(world, domain, at)
    answer = world.sandbox.control.get(f"/records/{domain}")
    world.lab.amazon_has(by_owner(absolute(line) for line in answer["lines"]["keys"] if " TXT " in line))
    mail = [f"{domain}. 1 MX 10 mail.{domain}.", f"mail.{domain}. 1 A 192.0.2.25"]
    world.publish_lines(domain, [*map(zone_line, records), *mail])
    world.wait_event("verified", domain)
    world.sandbox.control.post(f"/identities/{domain}", {"identity": "Success", "dkim": "Success", "pin": True})
    calm(world, domain)
    return world.lab.domains[domain].records


def calm(world, domain):
    def nothing_new():
        before = len(world.domain_events(domain))
        wait_looks(world, domain, 2)
        return len(world.domain_events(domain)) == before
    wait_for(nothing_new, f"{domain} to be calm", DEADLINE_S)


class Steady:
    """Whatever happens inside, the domain stays verified, and no finding, flag or axis moves: an event may at most say that the
    records are (not) seen everywhere, which is the name of a conclusion (design: part of the change set)."""

    def __init__(self, world, domain):
        self.world, self.domain = world, domain

    def __enter__(self):
        self.before = len(self.world.domain_events(self.domain))
        self.looks = looks(self.world, self.domain)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            wait_looks(self.world, self.domain, 2)
            assert looks(self.world, self.domain) > self.looks
            assert statuses(self.world, self.domain)[-1] == "verified"
            for event in self.world.domain_events(self.domain)[self.before:]:
                data = event["data"]
                told = (event["type"], data["to"], data["conclusion"], data["changed"])
                assert event["type"] == "io.sesverify.domain.updated.v1" and data["to"] == "verified", told
                assert set(data["changed"]) == {"conclusion"} and data["conclusion"] in SPREAD, told


SPREAD = ("all_good", "dns_right_not_yet_everywhere")


def without_dkim(zone):
    return {owner: lines for owner, lines in zone.items() if "_domainkey" not in owner}


def test_dkim_ses_pending(world):
    """The one code of the catalogue that DNS alone cannot tell."""
    records = registered(world, "pending.com")
    world.sandbox.control.post("/identities/pending.com", {"identity": "Pending", "dkim": "Pending", "pin": True})
    world.publish("pending.com", records)
    event = world.wait_event("updated", "pending.com", where=lambda data: data["conclusion"] == "dns_right_ses_not_looked_yet"
                             and data["spf_configured"] and data["dmarc_configured"])  # each seen everywhere in its own time
    pending = [f for f in event["data"]["findings"] if f["code"] == "dkim_ses_pending"]
    assert [(f["severity"], f["owner"]) for f in pending] == [("temporary", "pending.com")]
    assert pending[0]["advice"] == "DNS is right. Amazon checks on its own schedule, up to 72 hours."
    count = len(world.domain_events("pending.com"))
    wait_looks(world, "pending.com")
    assert len(world.domain_events("pending.com")) == count
    world.sandbox.control.post("/identities/pending.com", {"identity": "Success", "dkim": "Success", "pin": True})
    verified_event = world.wait_event("verified", "pending.com")
    assert "dkim_ses_pending" not in [f["code"] for f in verified_event["data"]["findings"]]


def test_F36_two_resolvers_that_disagree(world):
    verified(world, "disagree.com")
    with Steady(world, "disagree.com"):
        world.lab.lying_resolver.rule("disagree.com", "nxdomain")
        wait_looks(world, "disagree.com")


def test_F36_both_resolvers_deny_what_the_zone_holds(world):
    verified(world, "denied.com")
    with Steady(world, "denied.com"):
        world.lab.lying_resolver.rule("denied.com", "nxdomain")
        world.lab.other_liar.rule("denied.com", "nxdomain")
        wait_looks(world, "denied.com")


def test_F36_flapping_between_NXDOMAIN_and_NOERROR(world):
    verified(world, "flapping.com")
    with Steady(world, "flapping.com"):
        for n in range(4):
            liar = (world.lab.lying_resolver, world.lab.other_liar)[n % 2]
            liar.rule("flapping.com", "nxdomain")
            wait_looks(world, "flapping.com", 1)
            liar.clear("flapping.com")
            wait_looks(world, "flapping.com", 1)


def test_F35_a_storm_of_SERVFAIL_from_everybody(world):
    verified(world, "storm.com", at=["s1", "s2"])
    with Steady(world, "storm.com"):
        world.lab.liar.rule("storm.com", "servfail")
        wait_looks(world, "storm.com")
        world.lab.liar.clear("storm.com")
        for _ in range(3):
            for liar in (world.lab.liar, world.lab.lying_resolver, world.lab.other_liar):
                liar.rule("storm.com", "servfail")
                wait_looks(world, "storm.com", 1)
                liar.clear("storm.com")


def test_F35_servers_that_refuse_and_resolvers_that_deny(world):
    """Nobody who may speak for the zone speaks; one resolver's word is no quorum."""
    verified(world, "refused.com", at=["s1", "s2"])
    with Steady(world, "refused.com"):
        world.lab.liar.rule("refused.com", "refused")
        world.lab.lying_resolver.rule("refused.com", "nxdomain")
        wait_looks(world, "refused.com")


def test_F30_silence_of_servers_and_resolvers(world):
    verified(world, "silent.com", at=["s1", "s2"])
    with Steady(world, "silent.com"):
        for liar in (world.lab.lying_resolver, world.lab.other_liar, world.lab.liar):
            liar.rule("silent.com", "drop")
            wait_looks(world, "silent.com", 1)


def test_F36_one_server_of_two_holds_an_older_zone(world):
    zone = verified(world, "stale.com")
    with Steady(world, "stale.com"):
        world.lab.publish("stale.com", zone, ttl=1, differing={"b": (without_dkim(zone), 3)})
        wait_looks(world, "stale.com")
        world.lab.publish("stale.com", zone, ttl=1)  # or for an instant both would deny: then it is really gone
        world.lab.publish("stale.com", zone, ttl=1, differing={"a": (without_dkim(zone), 0)})
        wait_looks(world, "stale.com")


def test_F36_one_server_of_two_denies_now_and_then(world):
    verified(world, "moody.com", at=["s1", "s2"])
    with Steady(world, "moody.com"):
        for _ in range(4):
            world.lab.liar.rule("moody.com", "nxdomain", at=[S1], below="_domainkey.moody.com")
            wait_looks(world, "moody.com", 1)
            world.lab.liar.clear("moody.com")
            wait_looks(world, "moody.com", 1)


def test_a_record_that_is_really_gone_is_noticed_by_the_same_worker(world):
    """The proof that the calm above is no blindness."""
    zone = verified(world, "gone.com")
    world.lab.publish("gone.com", without_dkim(zone), ttl=1)
    risk = world.wait_event("at_risk", "gone.com")
    assert risk["data"]["reason"] == "required_records_wrong"
    world.lab.publish("gone.com", zone, ttl=1)
    world.wait_event("restored", "gone.com")
