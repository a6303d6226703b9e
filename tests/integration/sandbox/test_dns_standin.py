"""The DNS stand-in as dnspython sees it."""

import os
import signal
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from sandbox import ControlError, wait_for

ZONE = """\
; two zones in one file, and a name that belongs to neither
client.example.       300 SOA   ns1.client.example hostmaster.client.example 7 7200 900 1209600 60
client.example        300 IN NS ns1.client.example.
ns1.client.example    300 A     127.0.0.1
client.example        300 MX    10 mx1.client.example
client.example        300 MX    20 mx2.client.example
client.example        300 TXT   "v=spf1 include:amazonses.com ~all" ; a comment
Odd.client.example    300 TXT   "semi;colon" "two \\"strings\\""
six.client.example    300 AAAA  2001:db8::1
deep.under.ent.client.example 300 A 192.0.2.1
alias.client.example  200 CNAME target.client.example
target.client.example 100 A     192.0.2.2
far.client.example    200 CNAME t.dkim.example
gone.client.example   200 CNAME nothing.client.example
out.client.example    200 CNAME www.elsewhere.invalid
loop1.client.example  200 CNAME loop2.client.example
loop2.client.example  200 CNAME loop1.client.example
sub.client.example    300 NS    ns1.sub.client.example
ns1.sub.client.example 300 A    192.0.2.53
dkim.example          30  SOA   ns.dkim.example admin.dkim.example 1 7200 900 1209600 900
t.dkim.example        300 TXT   "p=abc"
orphan.example        300 A     192.0.2.9
"""


@pytest.fixture
def sb(start, tmp_path):
    zone = tmp_path / "zone"
    zone.write_text(ZONE)
    sandbox = start("--zone", zone)
    sandbox.zone_path = zone
    return sandbox


def ask(sb, name, kind, tcp=False, edns=True, flags=dns.flags.RD, **more):
    query = dns.message.make_query(name, kind, use_edns=0 if edns else False, payload=more.pop("payload", 1232), **more)
    query.flags = flags
    how = dns.query.tcp if tcp else dns.query.udp
    return how(query, sb.dns_host, port=sb.dns_port, timeout=5)


def texts(section):
    return sorted(line for rrset in section for line in rrset.to_text().splitlines())


@pytest.mark.parametrize("tcp", [False, True])
def test_data(sb, tcp):
    reply = ask(sb, "client.example", "MX", tcp)
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.AA and reply.flags & dns.flags.RA and reply.flags & dns.flags.RD
    assert texts(reply.answer) == [
        "client.example. 300 IN MX 10 mx1.client.example.",
        "client.example. 300 IN MX 20 mx2.client.example.",
    ]
    assert texts(ask(sb, "six.client.example", "AAAA", tcp).answer) == ["six.client.example. 300 IN AAAA 2001:db8::1"]
    assert texts(ask(sb, "odd.client.example", "TXT", tcp).answer)[0].endswith('"semi;colon" "two \\"strings\\""')
    assert texts(ask(sb, "client.example", "SOA", tcp).answer) == [
        "client.example. 300 IN SOA ns1.client.example. hostmaster.client.example. 7 7200 900 1209600 60"
    ]


def test_question_comes_back_octet_for_octet(sb):
    reply = ask(sb, "cLiEnT.eXaMpLe", "MX")
    assert reply.question[0].name.to_text() == "cLiEnT.eXaMpLe."
    assert len(reply.answer[0]) == 2


@pytest.mark.parametrize(
    "name, kind, rcode, ttl",
    [
        ("none.client.example", "A", dns.rcode.NXDOMAIN, 60),
        ("a.none.client.example", "A", dns.rcode.NXDOMAIN, 60),
        ("client.example", "AAAA", dns.rcode.NOERROR, 60),
        ("six.client.example", "A", dns.rcode.NOERROR, 60),
        ("ent.client.example", "A", dns.rcode.NOERROR, 60),
        ("under.ent.client.example", "A", dns.rcode.NOERROR, 60),
        ("x.ent.client.example", "A", dns.rcode.NXDOMAIN, 60),
        ("client.example", "DS", dns.rcode.NOERROR, 60),
        ("none.dkim.example", "A", dns.rcode.NXDOMAIN, 30),  # the SOA's own TTL is smaller than its minimum
    ],
)
def test_nxdomain_nodata_and_negative_ttl(sb, name, kind, rcode, ttl):
    reply = ask(sb, name, kind)
    assert reply.rcode() == rcode and not reply.answer and reply.flags & dns.flags.AA
    (soa,) = reply.authority
    assert soa.rdtype == dns.rdatatype.SOA and soa.ttl == ttl


def test_alias_chains(sb):
    assert texts(ask(sb, "alias.client.example", "A").answer) == [
        "alias.client.example. 200 IN CNAME target.client.example.",
        "target.client.example. 100 IN A 192.0.2.2",
    ]
    assert texts(ask(sb, "alias.client.example", "CNAME").answer) == [
        "alias.client.example. 200 IN CNAME target.client.example."
    ]
    across = ask(sb, "far.client.example", "TXT")
    assert texts(across.answer)[-1] == 't.dkim.example. 300 IN TXT "p=abc"'
    gone = ask(sb, "gone.client.example", "A")
    assert gone.rcode() == dns.rcode.NXDOMAIN and len(gone.answer) == 1 and gone.authority
    out = ask(sb, "out.client.example", "A")
    assert out.rcode() == dns.rcode.NOERROR and len(out.answer) == 1
    assert ask(sb, "loop1.client.example", "A").rcode() == dns.rcode.NOERROR


def test_referral(sb):
    reply = ask(sb, "x.sub.client.example", "A")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.flags & dns.flags.AA and not reply.answer
    assert texts(reply.authority) == ["sub.client.example. 300 IN NS ns1.sub.client.example."]
    assert texts(reply.additional) == ["ns1.sub.client.example. 300 IN A 192.0.2.53"]


@pytest.mark.parametrize(
    "name, kind",
    [("orphan.example", "A"), ("com", "NS"), (".", "NS"), ("client.example", "ANY"), ("example.org", "A"),
     ("xamazonses.com", "TXT"), ("testing", "SOA")],
)
def test_refused(sb, name, kind):
    assert ask(sb, name, kind).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("name", ["_dmarc.example", "nobody.example", "_dmarc.test", "a.b.nobody.test"])
def test_registries_deny_what_nobody_registered(sb, name):
    reply = ask(sb, name, "TXT")
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.flags & dns.flags.AA and not reply.answer
    (soa,) = reply.authority
    assert soa.rdtype == dns.rdatatype.SOA and soa.name.to_text().rstrip(".") == name.rsplit(".")[-1]
    assert ask(sb, name.rsplit(".")[-1], "NS").answer


def test_amazons_records(sb):
    (spf,) = ask(sb, "amazonses.com", "TXT").answer[0]
    assert b"".join(spf.strings).startswith(b"v=spf1 ip4:199.255.192.0/22 ") and spf.strings[-1].endswith(b" -all")
    assert ask(sb, "feedback-smtp.eu-west-1.amazonses.com", "A").answer
    assert ask(sb, "inbound-smtp.us-east-1.amazonaws.com", "A").answer
    assert ask(sb, "feedback-smtp.mars-north-1.amazonses.com", "A").rcode() == dns.rcode.NXDOMAIN
    sb.zone_add("amazonses.com 5 SOA ns.amazonses.com h.amazonses.com 1 2 3 4 5")  # a zone file has the first word
    assert not ask(sb, "amazonses.com", "TXT").answer


@pytest.mark.parametrize("region, zone", [("eu-west-1", "dkim.amazonses.com"), ("eu-south-1", "dkim.eu-south-1.amazonses.com")])
def test_a_key_is_where_an_identity_is(sb, region, zone):
    records = sb.records("client.example", region=region)
    assert records["zone"] == zone
    names = [f"{token}.{zone}" for token in records["tokens"]]
    where = f"?region={region}"
    for name in names:
        assert ask(sb, name, "TXT").rcode() == dns.rcode.NXDOMAIN  # a token that SES never gave
    sb.control.post(f"/identities/client.example{where}", {"create": True})
    for name in names:
        (key,) = ask(sb, name.replace(name[:32], name[:32].upper()), "TXT").answer[0]
        assert b"".join(key.strings).startswith(b"p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
        nodata = ask(sb, name, "A")
        assert nodata.rcode() == dns.rcode.NOERROR and not nodata.answer and nodata.authority
    assert ask(sb, "a" * 32 + "." + zone, "TXT").rcode() == dns.rcode.NXDOMAIN
    assert ask(sb, names[0].replace(zone, "dkim.ca-west-1.amazonses.com"), "TXT").rcode() == dns.rcode.NXDOMAIN
    sb.control.delete(f"/identities/client.example{where}")
    assert ask(sb, names[0], "TXT").rcode() == dns.rcode.NXDOMAIN


def test_an_alias_leads_to_its_key(sb):
    records = sb.records("client.example")
    sb.zone_add(*records["lines"]["dkim"])
    sb.control.post("/identities/client.example", {"create": True})
    reply = ask(sb, f"{records['tokens'][0]}._domainkey.client.example", "TXT")
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.CNAME, dns.rdatatype.TXT]


def test_class_and_opcode(sb):
    assert ask(sb, "client.example", "MX", rdclass="CH").rcode() == dns.rcode.REFUSED
    assert ask(sb, "client.example", "MX", flags=dns.opcode.to_flags(dns.opcode.NOTIFY)).rcode() == dns.rcode.NOTIMP


def test_edns_is_answered(sb):
    assert ask(sb, "client.example", "MX").payload == 1232
    assert ask(sb, "client.example", "MX", edns=False).edns == -1
    query = dns.message.make_query("client.example", "MX")
    query.use_edns(edns=1)
    assert dns.query.udp(query, sb.dns_host, port=sb.dns_port, timeout=5).rcode() == dns.rcode.BADVERS


@pytest.mark.parametrize("strings, edns, payload, cut", [
    (1, False, 0, False),
    (3, False, 0, True),
    (3, True, 1232, False),
    (3, True, 512, True),
    (6, True, 4096, True),
])
def test_truncation(sb, strings, edns, payload, cut):
    sb.zone_add("big.client.example 300 TXT " + " ".join(f'"{str(i) * 250}"' for i in range(strings)))
    reply = ask(sb, "big.client.example", "TXT", edns=edns, payload=payload or 1232)
    assert bool(reply.flags & dns.flags.TC) == cut and bool(reply.answer) != cut
    whole = ask(sb, "big.client.example", "TXT", tcp=True, edns=edns)
    assert not whole.flags & dns.flags.TC and len(whole.answer[0][0].strings) == strings


def test_pipelined_tcp(sb):
    queries = [dns.message.make_query(name, "A") for name in ("target.client.example", "ns1.client.example")]
    with socket.create_connection((sb.dns_host, sb.dns_port), 5) as sock:
        wires = [query.to_wire() for query in queries]
        sock.sendall(b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires))
        replies = [dns.query.receive_tcp(sock, time.time() + 5)[0] for _ in queries]
    assert {reply.id for reply in replies} == {query.id for query in queries}


def test_garbage_gets_formerr_or_silence(sb):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((sb.dns_host, sb.dns_port))
        for silent in (b"", b"x", bytes(11), b"\x12\x34\x80" + bytes(9)):
            sock.send(silent)
        sock.send(b"\x12\x34\x01\x00\x00\x09" + bytes(20))
        reply = sock.recv(512)
    assert reply[:2] == b"\x12\x34" and reply[3] & 15 == dns.rcode.FORMERR


def test_a_stub_resolver_takes_it_for_its_own(sb):
    stub = dns.resolver.Resolver(configure=False)
    stub.nameservers, stub.port, stub.lifetime = [sb.dns_host], sb.dns_port, 5
    assert [str(one) for one in stub.resolve("alias.client.example", "A")] == ["192.0.2.2"]
    with pytest.raises(dns.resolver.NXDOMAIN):
        stub.resolve("none.client.example", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        stub.resolve("client.example", "A")


def test_zone_changes_while_it_runs(sb):
    reply = sb.control.post("/zone", {"add": ["new.client.example 60 A 192.0.2.7"], "remove": ["client.example MX"]})
    assert (reply["added"], reply["removed"]) == (1, 2)
    assert texts(ask(sb, "new.client.example", "A").answer) == ["new.client.example. 60 IN A 192.0.2.7"]
    assert not ask(sb, "client.example", "MX").answer
    assert sb.zone_add("new.client.example 61 A 192.0.2.7")["added"] == 0  # there already, with another TTL
    assert ask(sb, "new.client.example", "A").answer[0].ttl == 61
    assert sb.zone_remove("new.client.example 0 A 192.0.2.8", "none.client.example")["removed"] == 0
    assert sb.zone_remove("New.Client.Example 0 A 192.0.2.7")["removed"] == 1
    assert ask(sb, "new.client.example", "A").rcode() == dns.rcode.NXDOMAIN
    sb.control.post("/zone", {"text": "only.example 5 SOA ns.only.example h.only.example 1 2 3 4 5"})
    assert ask(sb, "client.example", "SOA").rcode() == dns.rcode.NXDOMAIN  # as the registry says now
    assert sb.control.get("/zone")["records"] == 1
    sb.control.post("/zone", {"reload": True})
    assert len(ask(sb, "client.example", "MX").answer[0]) == 2


@pytest.mark.parametrize(
    "line, why",
    [
        ("client.example A 192.0.2.1", "not a number of seconds"),
        ("client.example 300 A 192.0.2.256", "A value"),
        ("client.example 300 A", "without a value"),
        ("client.example 300 SRV 0 0 5 a.example", "none of A AAAA NS SOA MX TXT CNAME"),
        ("client.example 300 MX mx1.client.example", "MX value"),
        ("client.example 300 CNAME other.example", "CNAME must be alone"),
        ("alias.client.example 300 A 192.0.2.1", "CNAME must be alone"),
        ("alias.client.example 300 CNAME other.example", "CNAME must be alone"),
        ("client.example 300 SOA a.example b.example 2 2 3 4 5", "one SOA"),
        ("client.example 300 TXT \"open", "quote is left open"),
    ],
)
def test_bad_lines_are_named_and_change_nothing(sb, line, why):
    before = sb.control.get("/zone")
    with pytest.raises(ControlError) as caught:
        sb.zone_add("good.client.example 60 A 192.0.2.7", line)
    assert "add[1]: " in caught.value.body and why in caught.value.body
    with pytest.raises(ControlError) as caught:
        sb.control.post("/zone", {"text": ZONE + line + "\n"})
    assert f"text:{len(ZONE.splitlines()) + 1}: " in caught.value.body and why in caught.value.body
    assert sb.control.get("/zone") == before


def test_sighup_reads_the_file_again(sb):
    sb.zone_path.write_text(ZONE + "new.client.example 60 A 192.0.2.7\n")
    os.kill(sb.ready["pid"], signal.SIGHUP)
    wait_for(lambda: ask(sb, "new.client.example", "A").answer, "the new record")
    sb.zone_path.write_text("broken\n")
    os.kill(sb.ready["pid"], signal.SIGHUP)
    assert f"old records kept: {sb.zone_path}:1: " in sb.process.stderr.readline().decode()
    assert ask(sb, "new.client.example", "A").answer


@pytest.mark.parametrize("do, rcode", [("servfail", "SERVFAIL"), ("refused", "REFUSED"), ("nxdomain", "NXDOMAIN")])
def test_fault_codes(sb, do, rcode):
    sb.dns_fault(do, "client.example", "MX")
    reply = ask(sb, "client.example", "MX")
    assert dns.rcode.to_text(reply.rcode()) == rcode and not reply.answer
    assert ask(sb, "client.example", "MX").answer  # one count is one answer


def test_fault_truncate_is_for_udp_only(sb):
    sb.dns_fault("truncate", count=-1)
    assert ask(sb, "client.example", "MX").flags & dns.flags.TC
    assert ask(sb, "client.example", "MX", tcp=True).answer


def test_fault_drop_and_wrong_id(sb):
    query = dns.message.make_query("client.example", "MX")
    sb.dns_fault("drop")
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(query, sb.dns_host, port=sb.dns_port, timeout=0.3)
    sb.dns_fault("wrong_id")
    with pytest.raises(dns.query.BadResponse):
        dns.query.udp(query, sb.dns_host, port=sb.dns_port, timeout=5)
    log = sb.control.get("/dns-queries")
    assert log["count"] == 2 and log["queries"][0]["rcode"] is None and log["queries"][1]["name"] == "client.example"
