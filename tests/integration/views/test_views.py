"""Both views of a question (dns-auth section 2), against real servers and some that lie."""

from dns_lab import REGISTRY, SERVERS, TOKENS, text, zone_of

SPF = text("v=spf1 include:amazonses.com -all")


def outcomes(answers):
    return sorted(a["outcome"] if a["outcome"] != "unknown" else a["trouble"] for a in answers)


def servers(report):
    return [view["answer"] for view in report["servers"]]


def by_address(report):
    return {view["answer"]["server"].rsplit(":", 1)[0].strip("[]"): view for view in report["servers"]}


def values(answer):
    return [r.get("text", r.get("target")) for r in answer["records"]]


def test_every_server_and_every_resolver_is_asked(lab, ask):
    lab.publish("v-well.com", zone_of("v-well.com"))
    report = ask("owned:TXT:v-well.com").only
    assert sorted(by_address(report)) == sorted(SERVERS["a"][1] + SERVERS["b"][1])  # IPv4 and IPv6
    assert {view["host"] for view in report["servers"]} == {SERVERS["a"][0], SERVERS["b"][0]}
    assert all(a["aa"] and values(a) == ["v=spf1 include:amazonses.com -all"] for a in servers(report))
    assert outcomes(report["resolvers"]) == ["data"] * 3
    cut = report["cut"]
    assert (cut["state"], cut["zone"], cut["parent"]) == ("found", "v-well.com", "com")
    assert cut["child_listed"] and not cut["signed"]
    assert all(h == {"at_parent": True, "at_child": True, "without_address": False, "private": False}
               for h in cut["hosts"].values()) and len(cut["hosts"]) == 2
    assert not report["closed"] and not report["withheld"]


def test_questions_of_one_domain_share_the_walk(lab, ask):
    lab.publish("v-share.com", zone_of("v-share.com"))
    wanted = ["owned:TXT:v-share.com", "owned:TXT:_dmarc.v-share.com", "owned:MX:bounce.v-share.com",
              *(f"owned:CNAME:{t}._domainkey.v-share.com" for t in TOKENS)]
    seen = ask(*wanted, "then", *wanted)
    assert all(outcomes(servers(r)) == ["data"] * 4 for r in seen.reports)
    # Six questions to four addresses and three resolvers; the walk adds: com, v-share.com, addresses of two hosts
    # (A, AAAA), NS and DS. The second time nothing but the questions is asked.
    assert seen.queries[1] == 6 * 7
    assert seen.queries[0] <= 6 * 7 + 2 + 4 + 2


def test_absent_and_never_seen_is_withheld_from_resolvers(lab, ask):
    lab.publish("v-new.com", {"@": [SPF]})
    owner = "_amazonses.v-new.com"
    report = ask(f"owned:TXT:{owner}").only
    assert report["withheld"] and report["resolvers"] == []
    assert outcomes(servers(report)) == ["nxdomain"] * 4
    lab.publish("v-new.com", {"@": [SPF], "_amazonses": [text("token")]})
    report = ask(f"owned:TXT:{owner}").only  # no resolver remembers an absence
    assert not report["withheld"] and outcomes(report["resolvers"]) == ["data"] * 3


def test_what_was_seen_before_is_asked_of_resolvers_too(lab, ask):
    lab.publish("v-gone.com", {"@": [SPF]})
    report = ask("seen:TXT:_dmarc.v-gone.com").only
    assert not report["withheld"] and outcomes(report["resolvers"]) == ["nxdomain"] * 3
    assert outcomes(servers(report)) == ["nxdomain"] * 4


def test_a_delegated_domainkey_moves_the_cut(lab, ask):
    key = "k1._domainkey.v-deep.com"
    lab.publish("v-deep.com", {"@": [SPF], "_domainkey": ["NS ns1.old-host.net."]})
    lab.publish("_domainkey.v-deep.com", {"k1": ["CNAME k1.dkim.amazonses.com."]}, at=["old"])
    seen = ask(f"owned:CNAME:{key}", "owned:TXT:v-deep.com", "then", f"owned:CNAME:{key}")
    report = seen.only
    assert (report["cut"]["zone"], report["cut"]["parent"]) == ("_domainkey.v-deep.com", "v-deep.com")
    assert list(by_address(report)) == SERVERS["old"][1]
    assert values(servers(report)[0]) == ["k1.dkim.amazonses.com"]
    assert seen.reports[1]["cut"]["zone"] == "v-deep.com"
    assert seen.queries[1] == 1 + 3  # the deeper cut is known now


def test_a_subdomain_in_the_same_zone_needs_no_cut_of_its_own(lab, ask):
    lab.publish("v-sub.com", {"@": [SPF], "mail.eu": [SPF]})
    report = ask("owned:TXT:mail.eu.v-sub.com").only
    assert report["cut"]["zone"] == "v-sub.com" and outcomes(servers(report)) == ["data"] * 4


def test_a_domain_that_does_not_exist(lab, ask):
    report = ask("owned:TXT:_dmarc.v-nobody.com", "owned:TXT:v-nobody.com").only
    cut = report["cut"]
    assert (cut["state"], cut["missing"], cut["parent"]) == ("nxdomain", "v-nobody.com", "com")
    assert outcomes(servers(report)) == ["nxdomain"] and report["withheld"]
    assert by_address(report).keys() < {REGISTRY, *lab.registry.addresses}
    assert servers(report)[0]["final_name"] == "_dmarc.v-nobody.com"


def test_a_name_without_delegation(lab, ask):
    lab.publish("v-hold.com", {"@": [SPF]}, delegation="hold")
    report = ask("owned:TXT:_dmarc.v-hold.com").only
    assert (report["cut"]["state"], report["cut"]["zone"]) == ("found", "com")
    assert set(outcomes(servers(report))) == {"nxdomain"}


def test_lame_servers_show_in_their_answers(lab, ask):
    for rule, trouble in (("refused", "refused"), ("no_aa", "lame"), ("upward", "referred"), ("servfail", "servfail")):
        name = f"v-{rule.replace('_', '-')}.com"
        lab.publish(name, {"@": [SPF]}, at=["a", "s1"])
        lab.liar.rule(name, rule)
        report = ask(f"owned:TXT:{name}").only
        assert outcomes([by_address(report)[SERVERS["s1"][1][0]]["answer"]]) == [trouble], rule
        assert by_address(report)[SERVERS["a"][1][0]]["answer"]["outcome"] == "data"
        assert not report["withheld"] and len(report["resolvers"]) == 3
        lab.liar.clear(name)


def test_a_silent_server_is_waited_for_once(lab, ask):
    lab.publish("v-silent.com", {"@": [SPF], "x": [SPF]}, at=["a", "s1"])
    lab.liar.rule("v-silent.com", "drop")
    seen = ask("owned:TXT:v-silent.com", "then", "owned:TXT:nothing.v-silent.com", options=["--total-ms", 3000])
    for report, outcome in zip(seen.reports, ("data", "nxdomain")):
        assert by_address(report)[SERVERS["s1"][1][0]]["answer"]["trouble"] == "timeout"
        assert by_address(report)[SERVERS["a"][1][0]]["answer"]["outcome"] == outcome
    assert "data" in outcomes(seen.only["resolvers"])  # the others may be trying the dead one
    lab.liar.clear("v-silent.com")
    assert seen.queries[1] == 2  # only the two addresses that answer


def test_no_server_usable_leaves_it_to_the_resolvers(lab, ask):
    lab.publish("v-lame.com", {"@": [SPF]}, at=["s1", "s2"])
    lab.liar.rule("v-lame.com", "refused")
    report = ask("owned:TXT:v-lame.com").only
    assert outcomes(servers(report)) == ["refused", "refused"] and not report["withheld"]
    assert outcomes(report["resolvers"]) == ["servfail"] * 3  # they find no usable one either
    lab.liar.clear("v-lame.com")


def test_servers_that_differ_tell_their_serials(lab, ask):
    lab.publish("v-lag.com", {"@": [SPF]}, differing={"b": ({"@": [text("old")]}, 3)})
    seen = by_address(ask("owned:TXT:v-lag.com").only)
    a, b = seen[SERVERS["a"][1][0]], seen[SERVERS["b"][1][0]]
    assert values(a["answer"]) != values(b["answer"])
    assert a["serial"] == b["serial"] + 3 > 3
    lab.publish("v-same.com", {"@": [SPF]})
    assert {v["serial"] for v in by_address(ask("owned:TXT:v-same.com").only).values()} == {0}  # nobody asked


def test_an_alias_out_of_the_zone_is_followed_only_where_its_end_is_asked_for(lab, ask):
    lab.publish("v-target.net", {"spf": [text("v=spf1 -all")]})
    lab.publish("v-alias.com", {"@": [SPF], "x": ["CNAME spf.v-target.net."]})
    seen = ask("owned:CNAME:x.v-alias.com", "then", "owned:TXT:x.v-alias.com")
    alias, end = seen.reports
    assert all(values(a) == ["spf.v-target.net"] and a["final_name"] == "x.v-alias.com" for a in servers(alias))
    assert all(values(a) == ["spf.v-target.net", "v=spf1 -all"] for a in servers(end))
    assert all(a["final_name"] == "spf.v-target.net" and a["outcome"] == "data" for a in servers(end))


def test_an_alias_to_nothing(lab, ask):
    lab.publish("v-dangle.com", {"@": [SPF], "x": ["CNAME nothing.v-well.com."]})
    lab.publish("v-well.com", zone_of("v-well.com"))
    report = ask("owned:TXT:x.v-dangle.com").only
    assert all(a["outcome"] == "nxdomain" and a["final_name"] == "nothing.v-well.com" and len(a["records"]) == 1
               for a in servers(report))


def test_aliases_in_a_ring_through_two_zones(lab, ask):
    lab.publish("v-ring.com", {"@": [SPF], "x": ["CNAME x.v-ring.net."]})
    lab.publish("v-ring.net", {"@": [SPF], "x": ["CNAME x.v-ring.com."]})
    report = ask("owned:TXT:x.v-ring.com").only
    assert all(a["outcome"] == "unknown" and a["trouble"].startswith("alias") for a in servers(report))


def test_bogus_is_told_from_servfail_and_keeps_its_reason(lab, ask):
    lab.publish("v-expired.com", {"@": [SPF]}, sign="expired")
    report = ask("owned:TXT:v-expired.com").only
    assert report["cut"]["signed"]
    assert outcomes(servers(report)) == ["data"] * 4
    assert outcomes(report["resolvers"]) == ["bogus"] * 3
    assert {a["ede"] for a in report["resolvers"]} == {7} and {a["rcode"] for a in report["resolvers"]} == {2}
    plain = ask("plain:TXT:v-expired.com").only
    assert outcomes(plain["resolvers"]) == ["bogus"]


def test_a_signed_domain_is_told(lab, ask):
    lab.publish("v-signed.com", {"@": [SPF]}, sign="good")
    report = ask("owned:TXT:v-signed.com").only
    assert report["cut"]["signed"] and outcomes(report["resolvers"]) == ["data"] * 3


def test_delegation_mismatch_shows_on_both_sides(lab, ask):
    lab.publish("v-mismatch.com", {"@": [SPF]}, at=["a", "b"], child_ns=["ns1.dns-host.net", "ns1.old-host.net"])
    hosts = ask("owned:TXT:v-mismatch.com").only["cut"]["hosts"]
    assert {h: (v["at_parent"], v["at_child"]) for h, v in hosts.items()} == {
        "ns1.dns-host.net": (True, True), "ns2.dns-host.net": (True, False), "ns1.old-host.net": (False, True)}


def test_a_host_without_address(lab, ask):
    lab.publish("v-noaddr.com", {"@": [SPF]}, at=["a"], hosts={"ns1.dns-host.net": SERVERS["a"][1], "gone.dns-host.net": []})
    report = ask("owned:TXT:v-noaddr.com").only
    assert report["cut"]["hosts"]["gone.dns-host.net"]["without_address"]
    assert not report["cut"]["hosts"]["ns1.dns-host.net"]["without_address"]
    assert outcomes(servers(report)) == ["data"] * 2


def test_truncated_and_no_tcp(lab, ask):
    lab.publish("v-notcp.com", {"@": [SPF]}, at=["a", "notcp"])
    lab.liar.rule("v-notcp.com", "truncate", tcp=False)
    seen = by_address(ask("owned:TXT:v-notcp.com").only)
    assert seen[SERVERS["notcp"][1][0]]["without_tcp"]
    assert not seen[SERVERS["a"][1][0]]["without_tcp"]
    lab.liar.clear("v-notcp.com")


def test_private_addresses_are_not_asked_unless_allowed(lab, ask):
    report = ask("owned:TXT:v-well.com", private=False).only  # the registry has a public address, its hosts have none
    assert report["servers"] == [] and (report["cut"]["state"], report["cut"]["zone"]) == ("silent", "v-well.com")
    assert all(h["private"] and not h["without_address"] for h in report["cut"]["hosts"].values())
    assert outcomes(report["resolvers"]) == ["data"] * 3


def test_closed_port_53_is_noticed_once(lab, ask):
    seen = ask("owned:TXT:v-well.com", "owned:TXT:_dmarc.v-well.com", "then", "owned:TXT:x.v-well.com", root=SERVERS["dead"][1][0])
    assert seen.took_s < 4
    for report in seen.reports:
        assert report["closed"] and report["cut"] is None and report["servers"] == []
        assert len(report["resolvers"]) == 3
    assert [line["event"] for line in seen.log] == ["dns_authority_closed"]
    assert seen.queries[1] == 3


def test_without_the_authoritative_side_all_resolvers_are_asked(lab, ask):
    report = ask("owned:TXT:v-well.com", root=None).only
    assert report["cut"] is None and not report["closed"] and outcomes(report["resolvers"]) == ["data"] * 3


def test_resolvers_that_disagree_are_all_told(lab, ask):
    lab.publish("v-split.com", {"@": [SPF]})
    lab.lying_resolver.rule("v-split.com", "nxdomain")
    report = ask("owned:TXT:v-split.com", resolvers=("r1", "r2", "liar")).only
    assert outcomes(report["resolvers"]) == ["data", "data", "nxdomain"]
    lab.lying_resolver.clear("v-split.com")


def test_one_dead_resolver_holds_nobody_up_for_long(lab, ask):
    seen = ask("owned:TXT:v-well.com", resolvers=("r1", SERVERS["dead"][1][0]), options=["--try-ms", 300])
    report = seen.only
    assert outcomes(report["resolvers"])[0] == "data" and seen.took_s < 2
    assert [a["trouble"] for a in report["resolvers"] if a["outcome"] == "unknown"][0] in ("timeout", "network")


def test_plain_questions_are_remembered(lab, ask):
    seen = ask("plain:TXT:amazonses.com", "plain:TXT:nothing.amazonses.com", "then", "plain:TXT:AMAZONSES.com",
               "plain:TXT:nothing.amazonses.com")
    assert seen.queries == [2, 0]
    assert outcomes(seen.reports[0]["resolvers"]) == outcomes(seen.reports[2]["resolvers"]) == ["data"]


def test_cancel_and_close_after_each_turn(lab, ask):
    """Wherever a walk is interrupted, everything ends and nothing is lost: the probe checks its loop, the sanitizers the rest."""
    lab.publish("v-stop.com", {"@": [SPF], "_domainkey": ["NS ns1.old-host.net."], "x": ["CNAME spf.v-stop.net."]})
    lab.publish("_domainkey.v-stop.com", {"k1": ["CNAME k1.dkim.amazonses.com."]}, at=["old"])
    lab.publish("v-stop.net", {"spf": [text("v=spf1 -all")]}, differing={"b": ({"spf": [text("old")]}, 3)}, sign="expired")
    words = ["owned:CNAME:k1._domainkey.v-stop.com", "owned:TXT:x.v-stop.com", "owned:TXT:_dmarc.v-stop.com",
             "owned:TXT:x.v-stop.com", "plain:TXT:v-stop.net"]
    for option in ("--close-after", "--cancel-after"):
        interrupted, turns = True, 0
        while interrupted:
            seen = ask(*words, options=[option, turns])
            interrupted = None in seen.reports
            turns += 1
        assert turns > 8, f"the walk took {turns} turns only"
