"""Section 10.1 of the catalogue: what DNS itself has wrong."""
NO_DKIM = {"$1._domainkey": None, "$2._domainkey": None, "$3._domainkey": None}
OLD_DKIM = {f"${n}._domainkey": [f"CNAME {n * 8}zyxwvutsrqponmlkjihgfedc.$z."] for n in "123"}
IMPATIENT = {"SESVERIFY_DNS_QUERY_TIMEOUT": "2s"}

CASES = {
    "dns_domain_nxdomain": {
        "delegation": "none", "at": [], "owner": "$d", "severity": "error", "advice": "$d is not registered or has expired",
        "evidence": {"server": "registry", "rcode": 3}},
    "dns_not_delegated": {
        "delegation": "hold", "at": [], "owner": "$d", "severity": "error", "advice": "$d has no name servers at its registry",
        "evidence": {"server": "registry"}},
    "dns_domain_parked": {
        "hosts": {"ns1.sedoparking.com": ["127.1.1.1"], "ns2.sedoparking.com": ["127.1.1.2"]},
        "only": {"@": ["A 64.190.63.222"], "*": ["A 64.190.63.222"]},
        "owner": "$d", "severity": "error", "found": "ns1.sedoparking.com", "advice": "$d is parked at"},
    "dns_lame_delegation": {
        "at": ["s1", "s2"], "rules": [{"do": "refused"}], "owner": "$d", "severity": "error", "found": "ns1.scripted.net",
        "advice": "None of the name servers listed for $d knows the zone", "evidence": {"server": "s", "rcode": 5}},
    "dns_edited_at_old_provider": {
        "zone": NO_DKIM, "at": ["a", "b", "old"], "hosts": "a b", "differing": {"old": ({}, 0)},
        "args": ["--former-server", "127.1.1.3", "--former-server", "127.1.9.9"],
        "owner": "$1._domainkey.$d", "severity": "error", "found": "127.1.1.3:53", "expected": "$1.$z",
        "advice": "but $d uses ns1.dns-host.net, ns2.dns-host.net now. Add it where the domain is really served"},
    "dns_delegation_mismatch": {
        "at": ["a", "b", "old"], "hosts": "a b", "child_ns": ["ns1.dns-host.net", "ns1.old-host.net"], "owner": "$d",
        "severity": "warning", "found": "ns1.old-host.net", "expected": "ns2.dns-host.net", "advice": "Make both the same"},
    "dns_partly_lame": {
        "at": ["a", "s1"], "rules": [{"do": "refused"}], "owner": "$d", "severity": "warning", "found": "ns1.scripted.net",
        "advice": "ns1.scripted.net is listed for $d but does not serve it", "evidence": {"server": "s", "rcode": 5}},
    "dns_private_answer": {
        "settings": {"SESVERIFY_DNS_ALLOW_PRIVATE": "false"}, "owner": "$d", "severity": "error", "found": "ns1.dns-host.net",
        "advice": "$d leads to an internal address", "evidence": {"server": "host"}},
    "dns_dnssec_ds_mismatch": {
        "sign": "wrong_ds", "owner": "$d", "severity": "error", "advice": "belongs to an older key",
        "evidence": {"server": "r", "rcode": 2, "ede": (6, 9)}},
    "dns_dnssec_expired": {
        "sign": "expired", "owner": "$d", "severity": "error", "advice": "signatures of $d expired at 20",
        "evidence": {"server": "r", "rcode": 2, "ede": 7}},
    "dns_dnssec_not_yet_valid": {
        "sign": "future", "owner": "$d", "severity": "error", "advice": "the signer's clock is wrong",
        "evidence": {"server": "r", "rcode": 2, "ede": 8}},
    "dns_dnssec_bogus": {
        "sign": "changed", "owner": "$d", "severity": "error", "advice": "DNSSEC validation of $d fails",
        "evidence": {"server": "r", "rcode": 2, "ede": 6}},
    "dns_dnssec_unsupported": {
        "resolvers": ["r2", "liar"], "lies": [{"do": "ede", "code": 1, "keep": True, "name": "_dmarc.$d"}], "owner": "_dmarc.$d", "severity": "info",
        "advice": "a DNSSEC algorithm that some resolvers do not know", "evidence": {"server": "liar", "rcode": 0, "ede": 1}},
    "dns_all_servers_unreachable": {
        "at": ["s1", "s2"], "rules": [{"do": "drop"}], "settings": IMPATIENT, "owner": "$d", "severity": "temporary", "repeats": True,
        "advice": "The name servers of $d do not answer"},
    "dns_tcp_unavailable": {
        "at": ["notcp"], "rules": [{"do": "truncate", "tcp": False, "type": "TXT"}], "settings": IMPATIENT, "owner": "$d",
        "severity": "error", "found": "ns4.scripted.net", "advice": "needs TCP port 53, which"},
    "dns_servfail": {
        "at": ["s1", "s2"], "rules": [{"do": "servfail"}], "owner": "$d", "severity": "temporary",
        "advice": "Your DNS answers with an error", "evidence": {"rcode": 2}},
    "dns_network_error": {
        "at": ["dead"], "settings": IMPATIENT, "owner": "$d", "severity": "temporary", "advice": "temporary network problem"},
    "dns_malformed_reply": {
        "at": ["s1", "s2"], "rules": [{"do": "malformed"}], "settings": IMPATIENT, "owner": "$d", "severity": "temporary",
        "found": "scripted.net", "advice": "sends invalid DNS messages"},
    "dns_answer_filtered": {
        "resolvers": ["r1", "r2", "liar"], "lies": [{"do": "ede", "code": 15, "rcode": "nxdomain", "name": "_dmarc.$d"}],
        "severity": "temporary", "owner": "_dmarc.$d", "found": "127.1.3.9", "advice": "The other resolvers decide",
        "evidence": {"server": "liar", "rcode": 3, "ede": 15}},
    "dns_edns_broken": {
        "at": ["s1", "s2"], "rules": [{"do": "formerr_edns"}], "owner": "$d", "severity": "warning", "found": "ns1.scripted.net",
        "advice": "mishandles EDNS", "evidence": {"server": "s", "rcode": 0}},
    "dns_cname_loop": {
        "zone": {"_dmarc": ["CNAME round.$d."], "round": ["CNAME _dmarc.$d."]}, "owner": "_dmarc.$d", "severity": "error",
        "advice": "lead back to themselves"},
    "dns_cname_chain_too_long": {
        "zone": {"_dmarc": ["CNAME c1.$d."], **{f"c{n}": [f"CNAME c{n + 1}.$d."] for n in range(1, 11)},
                 "c11": ['TXT "v=DMARC1; p=none"']},
        "owner": "_dmarc.$d", "severity": "warning", "advice": "Shorten the chain"},
    "dns_ns_inconsistent": {
        "differing": {"b": (NO_DKIM, 0)}, "owner": "$1._domainkey.$d", "severity": "temporary",
        "advice": "Your name servers disagree about"},
    "dns_secondary_lagging": {
        "differing": {"b": (NO_DKIM, 3)}, "owner": "$1._domainkey.$d", "severity": "temporary", "found": "ns2.dns-host.net",
        "advice": "ns2.dns-host.net still has an older copy of the zone"},
    "dns_negative_cached": {
        "before": NO_DKIM, "prime": [("$n._domainkey.$d", "CNAME")], "owner": "$1._domainkey.$d", "severity": "temporary",
        "advice": "No action is needed", "evidence": {"server": "r", "rcode": 3}},
    "dns_stale_cache": {
        "before": OLD_DKIM, "prime": [("$n._domainkey.$d", "CNAME")], "owner": "$1._domainkey.$d", "severity": "temporary",
        "advice": "The new value of $1._domainkey.$d is published", "evidence": {"server": "r", "rcode": 0}},
    "dns_record_removed": {
        "before": {}, "zone": NO_DKIM, "prime": [("$n._domainkey.$d", "CNAME")], "args": ["--seen"], "owner": "$1._domainkey.$d",
        "severity": "error", "expected": "$1.$z", "advice": "has been deleted from the zone"},
    "dns_name_not_ascii": {
        "zone": {"$1._domainkey": [r"CNAME $1.dkim.amaz\195\182nses.com."]}, "at": ["s1", "s2"], "owner": "$1._domainkey.$d",
        "severity": "error", "expected": "xn--amaznses-q4a.com", "advice": "Use the form"},
    "dns_cname_multiple": {
        "zone": {"$1._domainkey": ["CNAME $1.$z.", "CNAME other.example.net."]}, "at": ["s1", "s2"], "severity": "error",
        "owner": "$1._domainkey.$d", "found": "other.example.net", "expected": "$1.$z", "advice": "has several CNAME records"},
    "dns_cname_other_data": {
        "zone": {"@": ["CNAME shop.$d."], "shop": ["MX 10 mail.$d.", 'TXT "v=spf1 include:amazonses.com -all"']}, "at": ["s1", "s2"],
        "mail_from": None, "owner": "$d", "severity": "error", "found": "SOA and NS",
        "advice": "A CNAME must be the only record at $d"},
    "dns_wildcard_answer": {
        "zone": {**NO_DKIM, "*._domainkey": ["CNAME shop.dns-host.net."]}, "owner": "$1._domainkey.$d", "severity": "warning",
        "found": "shop.dns-host.net", "expected": "$1.$z", "advice": "Add the exact record, it takes precedence"},
    "dns_subzone_delegated": {
        "zone": {**NO_DKIM, "_domainkey": ["NS ns1.scripted.net."]},
        "below": {"_domainkey": {"$1": ["CNAME $1.$z."], "$2": ["CNAME $2.$z."], "$3": ["CNAME $3.$z."]}}, "severity": "info",
        "owner": "_domainkey.$d", "found": "ns1.scripted.net", "advice": "Enter the records there"},
    "dns_ttl_too_long": {
        "zone": {"$1._domainkey": ["172800 CNAME $1.$z."]}, "owner": "$1._domainkey.$d", "severity": "info",
        "advice": "The TTL of $1._domainkey.$d is 172800 seconds", "evidence": {"rcode": 0, "ttl": 172800}},
}
