"""The lab is what it says it is, as seen by an independent client (dnspython): what the other tests rest on."""
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from dns_daemons import ask
from dns_lab import REGISTRY, RESOLVERS, ROOT, SERVERS, text, zone_of

SPF = text("v=spf1 include:amazonses.com -all")


def resolve(name, kind="TXT", resolver="r1", checked=True):
    query = dns.message.make_query(name, kind, want_dnssec=True)
    if not checked:
        query.flags |= dns.flags.CD
    return dns.query.udp(query, RESOLVERS[resolver], timeout=5)


def ede(reply):
    return [int.from_bytes(option.to_wire()[:2], "big") for option in reply.options if int(option.otype) == 15]


def from_server(server, name, kind="TXT", **options):
    return ask(SERVERS[server][1][0], name, kind, **options)


def test_referrals_lead_from_the_root_to_the_client(lab):
    lab.publish("lab-walk.com", zone_of("lab-walk.com"))
    root = ask(ROOT, "lab-walk.com", "TXT")
    assert not root.flags & dns.flags.AA and root.authority[0].name.to_text() == "com."
    registry = ask(REGISTRY, "lab-walk.com", "TXT")
    assert not registry.flags & dns.flags.AA and registry.authority[0].name.to_text() == "lab-walk.com."
    for server in ("a", "b"):
        for address in SERVERS[server][1]:
            assert ask(address, "lab-walk.com", "TXT").flags & dns.flags.AA
    assert resolve("lab-walk.com").answer


def test_a_chain_signed_from_the_root_validates(lab):
    lab.publish("lab-signed.com", zone_of("lab-signed.com"), sign="good")
    assert resolve("lab-signed.com").flags & dns.flags.AD
    assert not resolve("lab-signed.com", "A").answer and resolve("lab-signed.com", "A").flags & dns.flags.AD


@pytest.mark.parametrize("state, code", [("expired", 7), ("future", 8), ("wrong_ds", 9), ("changed", 6)])
def test_broken_signatures_are_bogus_for_the_reason_given(lab, state, code):
    name = f"lab-{state.replace('_', '-')}.com"
    lab.publish(name, {"@": [SPF]}, sign=state)
    reply = resolve(name)
    assert reply.rcode() == dns.rcode.SERVFAIL and ede(reply) == [code]
    assert resolve(name, checked=False).answer


def test_a_change_is_served_at_once_and_a_removal_too(lab):
    lab.publish("lab-change.org", {"@": [text("old")]})
    lab.publish("lab-change.org", {"@": [text("new")]})
    assert from_server("a", "lab-change.org").answer[0][0].strings == (b"new",)
    lab.remove("lab-change.org")
    assert from_server("a", "lab-change.org").rcode() == dns.rcode.REFUSED
    assert ask(REGISTRY, "lab-change.org", "NS").rcode() == dns.rcode.NXDOMAIN


def test_one_server_may_hold_something_else_under_an_older_serial(lab):
    lab.publish("lab-differ.com", {"@": [text("new")]}, differing={"b": ({"@": [text("old")]}, 3)})
    serials = [from_server(s, "lab-differ.com", "SOA").answer[0][0].serial for s in ("a", "b")]
    assert serials[0] == serials[1] + 3
    assert from_server("b", "lab-differ.com").answer[0][0].strings == (b"old",)


def test_a_scripted_server_answers_as_a_real_one_does(lab):
    records = zone_of("lab-honest.com", {"*.wild": [text("any")], "a.b.c": [text("deep")], "sub": ["NS ns1.scripted.net."]})
    lab.publish("lab-honest.com", records, at=["a", "s1"])
    for name, kind in [("", "TXT"), ("", "SOA"), ("nothing", "TXT"), ("b.c", "TXT"), ("x.wild", "TXT"), ("x.sub", "A"),
                       ("mail", "AAAA"), ("bounce", "MX")]:
        name = f"{name}.lab-honest.com".lstrip(".")
        real, scripted = from_server("a", name, kind), from_server("s1", name, kind)
        assert real.rcode() == scripted.rcode() and (real.flags ^ scripted.flags) & dns.flags.AA == 0, name
        assert sorted(map(str, real.answer)) == sorted(map(str, scripted.answer)), name


@pytest.mark.parametrize("do, seen", [
    ("refused", lambda r: r.rcode() == dns.rcode.REFUSED), ("no_aa", lambda r: r.answer and not r.flags & dns.flags.AA),
    ("upward", lambda r: r.authority[0].name.to_text() == "."), ("drop", lambda r: r is None),
    ("truncate", lambda r: r.flags & dns.flags.TC and not r.answer), ("wrong_id", lambda r: r is None),
    ("malformed", lambda r: r is None), ("badcookie", lambda r: r.answer), ("compact", lambda r: r.answer)])
def test_a_scripted_server_misbehaves_as_told(lab, do, seen):
    name = f"lab-{do.replace('_', '-')}.com"
    lab.publish(name, {"@": [SPF]}, at=["s1"])
    lab.liar.rule(name, do)
    assert seen(from_server("s1", name, timeout=0.4))
    lab.liar.clear(name)
    assert from_server("s1", name).answer


def test_a_scripted_server_serves_what_no_real_one_would(lab):
    lab.publish("lab-two.com", {"x": ["CNAME one.example.", "CNAME two.example.", text("beside")]}, at=["s1"])
    query = dns.message.make_query("x.lab-two.com", "CNAME")
    assert len(dns.query.udp(query, SERVERS["s1"][1][0], timeout=5, one_rr_per_rrset=True).answer) == 2
    assert from_server("s1", "x.lab-two.com", "TXT").answer[0].rdtype == dns.rdatatype.TXT


def test_a_spoiled_resolver_asks_the_honest_one(lab):
    lab.publish("lab-spoiled.com", {"@": [SPF]})
    assert resolve("lab-spoiled.com", resolver="liar").answer
    lab.lying_resolver.rule("lab-spoiled.com", "nxdomain")
    assert resolve("lab-spoiled.com", resolver="liar").rcode() == dns.rcode.NXDOMAIN
    assert resolve("lab-spoiled.com", resolver="r2").answer
