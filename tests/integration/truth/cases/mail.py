"""Sections 10.4 and 10.5: ownership, MAIL FROM and SPF."""
from dns_lab import text

MX = "MX 10 feedback-smtp.eu-west-1.amazonses.com."
MX_EXPECTED = "10 feedback-smtp.eu-west-1.amazonses.com"
SPF = 'TXT "v=spf1 include:amazonses.com -all"'
TOKEN = "dGhpcyBpcyBhIHRva2VuIG9mIFNFUyB2MQ=="
SPF_SES = "v=spf1 include:amazonses.com ~all"


def own(lines, **more):
    """An ownership token is expected."""
    return {"zone": {"_amazonses": lines} if lines else {}, "args": ["--ownership", TOKEN], "owner": "_amazonses.$d",
            "severity": "error", "expected": TOKEN, **more}


def mx(*targets, **more):
    """What stands as MX at the MAIL FROM, whose SPF is right."""
    return {"zone": {"bounce": [*targets, SPF]}, "owner": "bounce.$d", "severity": "error", "expected": MX_EXPECTED, **more}


def spf(*values, **more):
    """What stands as SPF at the MAIL FROM, the envelope domain; its MX is right."""
    return {"zone": {"bounce": [MX, *(v if v.startswith("TXT ") else text(v) for v in values)]}, "owner": "bounce.$d",
            "severity": "error", **more}


def at_domain(value, **more):
    return {"zone": {"@": ["MX 10 mail", *([text(value)] if value else [])]}, "mail_from": None, "owner": "$d", **more}


CHAIN = {f"i{n}": [text("v=spf1 ?all")] for n in range(1, 12)}

CASES = {
    "ownership_txt_missing": own(None, severity="info", advice="Add a TXT record at _amazonses.$d with the value " + TOKEN),
    "ownership_txt_mismatch": own(['TXT "somebody-elses"'], severity=None, found="somebody-elses", advice="with the value " + TOKEN),
    "ownership_txt_wrong_owner": own(None, zone={"@": ["MX 10 mail", SPF, f'TXT "{TOKEN}"']}, severity=None, found="$d",
                                     advice="Move it to _amazonses.$d"),
    "mailfrom_not_subdomain": {"mail_from": "$d", "owner": "$d", "severity": "error", "advice": "Choose a subdomain such as"},
    "mailfrom_mx_missing": mx(advice="Add an MX record at bounce.$d: " + MX_EXPECTED, evidence={"rcode": 0, "aa": True}),
    "mailfrom_mx_multiple": mx(MX, "MX 20 mail", found="mail.$d", advice="accepts exactly one MX record"),
    "mailfrom_mx_wrong_region": mx("MX 10 feedback-smtp.xx-north-9.amazonses.com.", found="xx-north-9",
                                   advice="the host of another region. Change it to " + MX_EXPECTED),
    "mailfrom_mx_inbound_host": mx("MX 10 inbound-smtp.eu-west-1.amazonaws.com.", found="inbound-smtp", advice="for receiving mail"),
    "mailfrom_mx_not_ses": mx("MX 10 mx.mailhost.net.", found="mx.mailhost.net", advice="It must be " + MX_EXPECTED),
    "mailfrom_mx_priority_in_name": mx(r"MX 0 10\032feedback-smtp.eu-west-1.amazonses.com.", advice="Put 10 into the priority field"),
    "mailfrom_mx_target_suffixed": mx("MX 10 feedback-smtp.eu-west-1.amazonses.com.$d.", found="amazonses.com.$d",
                                      advice="End the host name with a dot"),
    "mailfrom_mx_wrong_owner": mx(zone={"bounce": [SPF], "@": [MX, SPF]}, found="$d", advice="Move it to bounce.$d"),
    "mailfrom_mx_target_typo": mx("MX 10 feedback-smpt.eu-west-1.amazonses.com.", found="feedback-smpt", advice="Copy and paste it"),
    "mailfrom_is_cname": {"zone": {"bounce": ["CNAME mail.$d."]}, "owner": "bounce.$d", "severity": "error", "found": "mail.$d",
                          "advice": "Delete that CNAME"},
    "mailfrom_null_mx": mx("MX 0 .", advice="refuses all mail by a null MX"),
    "mailfrom_spf_missing": spf(expected=SPF_SES, advice="Add a TXT record at bounce.$d: " + SPF_SES),
    "mailfrom_spf_no_ses": spf("v=spf1 ip4:192.0.2.1 -all", expected="include:amazonses.com", advice="does not allow Amazon SES"),

    "spf_missing": at_domain(None, severity="warning", expected=SPF_SES, advice="Add a TXT record at $d: " + SPF_SES),
    "spf_multiple_records": spf("v=spf1 include:amazonses.com -all", "v=spf1 mx -all", expected="include:amazonses.com",
                                advice="Merge them into one"),
    "spf_version_malformed": spf("v=spf2.0 include:amazonses.com -all", found="v=spf2.0", advice="must begin with v=spf1 and a blank"),
    "spf_syntax_error": spf("v=spf1 include:amazonses.com exists:%{q}.$d -all", found="exists:%{q}.$d", advice="has an error at"),
    "spf_unknown_mechanism": spf("v=spf1 include:amazonses.com ipv4:192.0.2.1 -all", found="ipv4", advice="is not an SPF term"),
    "spf_ip_invalid": spf("v=spf1 include:amazonses.com ip4:300.1.2.3 -all", found="ip4:300.1.2.3",
                          advice="is not a valid address range"),
    "spf_duplicate_modifier": spf("v=spf1 include:amazonses.com redirect=amazonses.com redirect=amazonses.com", found="redirect",
                                  advice="stands more than once"),
    "spf_space_after_colon": spf("v=spf1 include: amazonses.com -all", found="include:", expected="include:amazonses.com",
                                 advice="remove the blank after the colon"),
    "spf_chunk_gap": spf('TXT "v=spf1 ip4:192.0.2.1" "include:amazonses.com -all"', found="192.0.2.1include",
                         advice="a blank was lost where the value is split"),
    "spf_ses_not_included": at_domain("v=spf1 mx -all", severity="warning", expected="include:amazonses.com",
                                      advice="does not allow Amazon SES"),
    "spf_ses_after_all": spf("v=spf1 -all include:amazonses.com", expected="include:amazonses.com",
                             advice="whatever follows all is ignored"),
    "spf_ses_wrong_qualifier": spf("v=spf1 ~include:amazonses.com -all", found="~include:amazonses.com",
                                   advice="Remove the sign before include"),
    "spf_ses_misspelled": spf("v=spf1 include:amazon-ses.com -all", found="amazon-ses.com", more={"amazon-ses.com": {"@": [text("v=spf1 -all")]}},
                              advice="Write include:amazonses.com instead"),
    "spf_too_many_lookups": {"zone": {"bounce": [MX, text("v=spf1 " + " ".join(f"include:i{n}.$d" for n in range(1, 11)) +
                                                        " include:amazonses.com -all")], **CHAIN},
                             "owner": "bounce.$d", "severity": "error", "advice": "needs up to 11 look-ups"},
    "spf_near_lookup_limit": {"zone": {"bounce": [MX, text("v=spf1 include:amazonses.com " +
                                                         " ".join(f"include:i{n}.$d" for n in range(1, 9)) + " -all")], **CHAIN},
                              "owner": "bounce.$d", "severity": "warning", "advice": "uses 9 of 10 look-ups"},
    "spf_too_many_void_lookups": spf("v=spf1 a:n1.$d a:n2.$d a:n3.$d include:amazonses.com -all", found="n1.$d",
                                     advice="names where nothing is found"),
    "spf_mx_too_many": {"zone": {"bounce": [MX, text("v=spf1 mx:many.$d include:amazonses.com -all")],
                                 "many": [f"MX {n} h{n}.$d." for n in range(1, 12)],
                                 **{f"h{n}": [f"A 192.0.2.{n}"] for n in range(1, 12)}},
                        "owner": "bounce.$d", "severity": "error", "found": "many.$d", "advice": "leads to more than 10 hosts"},
    "spf_include_no_record": {"zone": {"bounce": [MX, text("v=spf1 include:none.$d include:amazonses.com -all")],
                                       "none": ["A 192.0.2.1"]}, "owner": "bounce.$d", "severity": "error", "found": "none.$d",
                              "advice": "publishes no SPF record"},
    "spf_include_error": {"zone": {"bounce": [MX, text("v=spf1 include:broken.$d include:amazonses.com -all")],
                                   "broken": [text("v=spf1 ipv4:192.0.2.1 -all")]}, "owner": "bounce.$d", "severity": "error",
                          "found": "broken.$d", "advice": "is itself broken"},
    "spf_include_loop": {"zone": {"bounce": [MX, text("v=spf1 include:loop.$d include:amazonses.com -all")],
                                  "loop": [text("v=spf1 include:bounce.$d -all")]}, "owner": "bounce.$d", "severity": "error",
                         "found": "loop.$d", "advice": "run in a circle"},
    "spf_redirect_no_record": {"zone": {"bounce": [MX, text("v=spf1 redirect=none.$d")], "none": ["A 192.0.2.1"]},
                               "owner": "bounce.$d", "severity": "error", "found": "none.$d", "advice": "redirects to none.$d"},
    "spf_redirect_ignored": spf("v=spf1 include:amazonses.com -all redirect=amazonses.com", severity="warning", found="redirect=amazonses.com",
                                advice="has no effect beside all"),
    "spf_duplicate_include": spf("v=spf1 include:amazonses.com include:amazonses.com -all", severity="warning", found="amazonses.com",
                                 advice="is included twice"),
    "spf_all_permissive": spf("v=spf1 include:amazonses.com +all", found="+all", advice="lets everyone send in your name"),
    "spf_all_missing": spf("v=spf1 include:amazonses.com", severity="warning", advice="End the SPF record at bounce.$d with ~all"),
    "spf_ptr_used": spf("v=spf1 include:amazonses.com ptr -all", severity="warning", advice="uses ptr"),
    "spf_macro_unresolved": spf("v=spf1 include:amazonses.com exists:%{i}._spf.$d -all", severity="info", found="%{i}",
                                advice="depends on the message"),
    "spf_too_large": spf("v=spf1 include:amazonses.com " + " ".join(f"ip4:198.51.100.{n}" for n in range(1, 30)) + " -all",
                         severity="warning", advice="long answers get lost"),
    "spf_type99": {"mail_from": None, "zone": {"@": ["MX 10 mail", 'SPF "v=spf1 include:amazonses.com -all"']}, "owner": "$d", "severity": "warning",
                   "advice": "only as the abandoned record type 99"},
    "spf_wrong_owner": {"mail_from": None, "zone": {"@": ["MX 10 mail"], "spf": [SPF]}, "owner": "$d", "severity": None, "found": "spf.$d",
                        "advice": "Move it to $d"},
    "spf_temperror": {"zone": {"bounce": [MX, text("v=spf1 mx:relays.$d include:_spf.spf-temperror-target.com include:amazonses.com -all")],
                               "relays": ["MX 10 relay.spf-temperror-target.com."]},
                      "more": {"spf-temperror-target.com": {"@": [text("v=spf1 -all")]}},
                      "more_at": ["s1"], "more_rules": [{"do": "servfail"}], "repeats": True,
                      "owners": ["relay.spf-temperror-target.com", "_spf.spf-temperror-target.com"],
                      "severity": "temporary", "advice": "did not answer"},
}
