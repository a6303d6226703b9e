"""sv_dns against a real authoritative server, compared with what dnspython sees."""
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest


def text_of(name):
    return name.to_text(omit_final_dot=True) if name != dns.name.root else ""


def as_record(owner, ttl, rdata):
    """A dnspython record in the form of dns_probe."""
    record = {"owner": text_of(owner), "type": int(rdata.rdtype), "ttl": ttl}
    kind = dns.rdatatype.to_text(rdata.rdtype)
    if kind in ("TXT", "SPF"):
        record["text"] = b"".join(rdata.strings).decode("latin-1")
    elif kind in ("CNAME", "NS"):
        record["target"] = text_of(rdata.target)
    elif kind == "MX":
        record |= {"preference": rdata.preference, "target": text_of(rdata.exchange)}
    elif kind == "SOA":
        record["target"] = text_of(rdata.mname)
    elif kind in ("A", "AAAA"):
        record["address"] = rdata.address
    return record


def ask_dnspython(name, kind, port):
    query = dns.message.make_query(name, kind)
    query.flags |= dns.flags.RD
    reply = dns.query.tcp(query, "127.0.0.1", port=port, timeout=10)
    return [as_record(rrset.name, rrset.ttl, rdata) for rrset in reply.answer for rdata in rrset]


def unordered(records):
    return sorted(records, key=lambda record: sorted(map(str, record.items())))


@pytest.mark.parametrize("kind", ["A", "AAAA", "NS", "MX", "SOA", "TXT"])
def test_kinds_at_the_apex(nsd, probe, kind):
    answer = probe("client.example", kind, nsd)
    assert answer["outcome"] == "data" and answer["aa"] and answer["rcode"] == 0
    assert answer["server"] == f"127.0.0.1:{nsd}"
    assert unordered(answer["records"]) == unordered(ask_dnspython("client.example", kind, nsd))


@pytest.mark.parametrize("name, kind", [
    ("null.client.example", "MX"),
    ("split.client.example", "TXT"),
    ("odd.client.example", "TXT"),
    ("ttl.client.example", "TXT"),
    ("spf.client.example", "SPF"),
    ("t1._domainkey.client.example", "TXT"),
    ("t1._domainkey.client.example", "CNAME"),
    ("abroad.client.example", "CNAME"),
    ("x.wild.client.example", "TXT"),
    ("a.b.c.client.example", "TXT"),
    ("_dmarc.CLIENT.example", "TXT"),
    (r"od\.d\@name.client.example", "TXT"),
    ("toodd.client.example", "CNAME"),
    ("toodd.client.example", "TXT"),
    ("odder.client.example", "TYPE65280"),
])
def test_data(nsd, probe, name, kind):
    answer = probe(name, kind.removeprefix("TYPE"), nsd)
    assert answer["outcome"] == "data"
    assert unordered(answer["records"]) == unordered(ask_dnspython(name, kind, nsd))
    assert answer["ttl"] == min(record["ttl"] for record in answer["records"])


@pytest.mark.parametrize("name, kind, outcome, trouble, final, ttl", [
    ("nothing.client.example", "TXT", "nxdomain", "none", "nothing.client.example", 120),
    ("ttl.client.example", "MX", "nodata", "none", "ttl.client.example", 120),
    ("b.c.client.example", "TXT", "nodata", "none", "b.c.client.example", 120),
    ("dangling.client.example", "TXT", "nxdomain", "none", "nothing.client.example", 120),
    ("nodata.client.example", "MX", "nodata", "none", "ttl.client.example", 120),
    ("abroad.client.example", "TXT", "unknown", "alias_elsewhere", "t2.dkim.amazonses.com", 300),
    ("loop1.client.example", "TXT", "unknown", "alias_loop", "loop1.client.example", 300),
    ("www.delegated.client.example", "TXT", "unknown", "referred", "www.delegated.client.example", 0),
    ("other.example", "TXT", "unknown", "refused", "other.example", 0),
])
def test_no_data(nsd, probe, name, kind, outcome, trouble, final, ttl):
    answer = probe(name, kind, nsd, "--no-recursion")
    assert (answer["outcome"], answer["trouble"]) == (outcome, trouble)
    assert (answer["final_name"], answer["ttl"]) == (final, ttl)


def test_referral_names_zone_hosts_and_glue(nsd, probe):
    for name, kind in [("www.delegated.client.example", "TXT"), ("delegated.client.example", "NS")]:
        answer = probe(name, kind, nsd, "--no-recursion")
        assert (answer["trouble"], answer["zone"]) == ("referred", "delegated.client.example")
        assert answer["records"] == []
        assert [(r["owner"], r.get("target"), r.get("address")) for r in answer["referral"]] == [
            ("delegated.client.example", "ns1.delegated.client.example", None),
            ("ns1.delegated.client.example", None, "127.0.0.9"),
        ]


@pytest.mark.parametrize("name, kind", [("nothing.client.example", "TXT"), ("ttl.client.example", "MX")])
def test_absence_names_zone_and_serial(nsd, probe, name, kind):
    answer = probe(name, kind, nsd, "--no-recursion", "--dnssec")
    assert (answer["zone"], answer["serial"]) == ("client.example", 7)


def test_alias_chain_of_eight_and_of_more(nsd, probe):
    answer = probe("c4.client.example", "TXT", nsd)
    assert answer["outcome"] == "data" and answer["final_name"] == "c12.client.example"
    assert len(answer["records"]) == 9
    answer = probe("c3.client.example", "TXT", nsd)
    assert (answer["outcome"], answer["trouble"]) == ("unknown", "alias_too_long")


def test_truncated_goes_on_over_tcp(nsd, probe):
    answer = probe("big.client.example", "TXT", nsd)
    assert answer["tcp"] and answer["tcp_queries"] == 1
    assert answer["records"] == ask_dnspython("big.client.example", "TXT", nsd)
    assert len(answer["records"][0]["text"]) == 50000


def test_300_records_give_256(nsd, probe):
    answer = probe("many.client.example", "TXT", nsd)
    real = {record["text"] for record in ask_dnspython("many.client.example", "TXT", nsd)}
    seen = {record["text"] for record in answer["records"]}
    assert answer["tcp"] and len(real) == 300 and len(seen) == 256 and seen < real


def test_nobody_there(probe):
    """Below the range from which the sockets of other tests, and of the probe itself, get their ports."""
    answer = probe("client.example", "TXT", 9)
    assert (answer["outcome"], answer["trouble"], answer["timeouts"]) == ("unknown", "network", 0)
