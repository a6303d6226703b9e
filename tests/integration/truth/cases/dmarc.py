"""Section 10.6: DMARC, alignment and bulk senders."""
from dns_lab import text

OWNER = "_dmarc.$d"
RUA = "rua=mailto:dmarc@$d"


def dmarc(*values, **more):
    """What stands at _dmarc."""
    return {"zone": {"_dmarc": [text(value) for value in values] or None}, "owner": OWNER, "severity": "error", **more}


CASES = {
    "dmarc_missing": dmarc(advice="Add a TXT record at _dmarc.$d: v=DMARC1;", expected="v=DMARC1", evidence={"rcode": 3}),
    "dmarc_inherited": {"sub": "news", "zone": {"_dmarc": None}, "apex": {"_dmarc": [text("v=DMARC1; p=reject; rua=mailto:dmarc@$d")]},
                        "owner": OWNER, "severity": "info", "found": "_dmarc.dmarc-inherited.com", "advice": "applies"},
    "dmarc_wrong_owner": {"zone": {"_dmarc": None, "dmarc": [text(f"v=DMARC1; p=reject; {RUA}")]}, "owner": OWNER, "severity": "error",
                          "found": "dmarc.$d", "advice": "Move it to _dmarc.$d"},
    "dmarc_multiple_records": dmarc(f"v=DMARC1; p=reject; {RUA}", f"v=DMARC1; p=none; {RUA}", advice="has several DMARC records"),
    "dmarc_version_malformed": dmarc(f"v=dmarc1; p=reject; {RUA}", found="v=dmarc1", advice="must begin with v=DMARC1; exactly"),
    "dmarc_tag_syntax": dmarc(f"v=DMARC1; p=reject, {RUA}", severity="warning", found="p=reject,", advice="separate the tags with semicolons"),
    "dmarc_policy_missing": dmarc(f"v=DMARC1; {RUA}", severity="warning", advice="Add p=none"),
    "dmarc_policy_invalid": dmarc(f"v=DMARC1; p=rejekt; {RUA}", found="rejekt", advice="is not none, quarantine or reject"),
    "dmarc_policy_none": dmarc(f"v=DMARC1; p=none; {RUA}", severity="info", advice="only watches"),
    "dmarc_test_mode": dmarc(f"v=DMARC1; p=reject; t=y; {RUA}", severity="info", advice="the policy is applied one step weaker"),
    "dmarc_sp_weaker": dmarc(f"v=DMARC1; p=reject; sp=none; {RUA}", severity="warning", found="sp=none", advice="protects subdomains less"),
    "dmarc_deprecated_tag": dmarc(f"v=DMARC1; p=reject; ri=3600; {RUA}", severity="info", found="ri", advice="was removed from the standard"),
    "dmarc_unknown_tag": dmarc(f"v=DMARC1; p=reject; policy=strict; {RUA}", severity="info", found="policy", advice="is ignored"),
    "dmarc_order_legacy": dmarc(f"v=DMARC1; {RUA}; p=reject", severity="info", advice="Put p right after v"),
    "dmarc_rua_missing": dmarc("v=DMARC1; p=reject", severity="warning", advice="Add rua=mailto:name@domain"),
    "dmarc_rua_invalid": dmarc("v=DMARC1; p=reject; rua=dmarc@$d", severity="warning", found="dmarc@$d", advice="is no valid report address"),
    "dmarc_rua_not_authorized": dmarc("v=DMARC1; p=reject; rua=mailto:x@reports-refused.net", severity="warning", found="reports-refused.net",
                                      owner="$d._report._dmarc.reports-refused.net",
                                      more={"reports-refused.net": {"@": ["MX 10 mail"], "mail": ["A 198.51.100.26"]}},
                                      advice='$d._report._dmarc.reports-refused.net TXT "v=DMARC1"'),
    "dmarc_rua_undeliverable": dmarc("v=DMARC1; p=reject; rua=mailto:x@reports-nowhere.net", severity="warning", found="reports-nowhere.net",
                                     more={"reports-nowhere.net": {"*._report._dmarc": [text("v=DMARC1")]}},
                                     advice="DMARC reports to reports-nowhere.net cannot be delivered"),
    "dmarc_strict_spf": dmarc(f"v=DMARC1; p=reject; aspf=s; {RUA}", severity="warning", found="bounce.$d", advice="Set aspf=r"),
    "dmarc_strict_dkim": dmarc(f"v=DMARC1; p=reject; adkim=s; {RUA}", severity="warning", advice="Set adkim=r"),
    "dmarc_no_aligned_identifier": {"mail_from": None, "tokens": [], "zone": {"_amazonses": ['TXT "dG9rZW4="']},
                                    "args": ["--ownership", "dG9rZW4="], "owner": "$d", "severity": "error", "advice": "DMARC fails for every message of $d"},
    "dmarc_psd_flag": dmarc(f"v=DMARC1; p=reject; psd=y; {RUA}", advice="is for registries"),
    "dmarc_org_domain_split": {"zone": {"_dmarc.bounce": [text(f"v=DMARC1; p=none; psd=n; {RUA}")]}, "severity": "warning", "owner": "_dmarc.bounce.$d",
                               "found": "bounce.$d", "advice": "counts as its own organization"},
    "dmarc_receivers_differ": {"sub": "a.b", "zone": {"_dmarc": None}, "apex": {"_dmarc.b": [text("v=DMARC1; p=reject; rua=mailto:dmarc@$d")]},
                               "severity": "warning", "owner": OWNER, "also": ["dmarc_inherited"], "advice": "Publish an explicit record at _dmarc.$d"},
    "from_domain_cannot_receive": {"zone": {"@": ["MX 0 .", text("v=spf1 include:amazonses.com -all")]}, "owner": "$d", "severity": "warning",
                                   "advice": "Replies to $d bounce"},
}
