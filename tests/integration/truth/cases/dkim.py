"""Sections 10.2 and 10.3: DKIM aliases and the keys behind them."""
from cases.delegation import NO_DKIM
from dns_lab import rsa_key, text

KEY = rsa_key(2048)
ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # the public key of RFC 8463 appendix A.2


def moved(owner):
    """The three records at another owner instead: {n} becomes the token."""
    return {**NO_DKIM, **{owner.replace("$n", f"${n}"): [f"CNAME ${n}.$z."] for n in "123"}}


def three(data):
    return {f"${n}._domainkey": [data.replace("$n", f"${n}")] for n in "123"}


OWNER = "$1._domainkey.$d"
ALIAS = {"owner": OWNER, "severity": "error", "expected": "$1.$z"}


def key(*values, **expected):
    """What stands behind all three aliases: TXT records."""
    return {"keys": [text(value) for value in values], "owner": OWNER, "severity": "error", **expected}


CASES = {
    "dkim_ses_pending": {"via": "test_steady.py"},  # what SES says is known to the worker alone
    "dkim_cname_missing": {"zone": NO_DKIM, **ALIAS, "advice": "$1._domainkey.$d CNAME $1.$z", "evidence": {"rcode": 3, "aa": True}},
    "dkim_cname_partial": {"zone": {"$2._domainkey": None}, "owner": "$2._domainkey.$d", "severity": "error",
                           "found": "$2._domainkey.$d", "advice": "Part of the DKIM records is right"},
    "dkim_cname_doubled_suffix": {"zone": moved("$n._domainkey.$d"), **ALIAS, "found": "$1._domainkey.$d.$d",
                                  "advice": "your panel adds the domain by itself"},
    "dkim_cname_target_suffixed": {"zone": three("CNAME $n.$z.$d."), **ALIAS, "found": "$1.$z.$d",
                                   "advice": "End the value with a dot: $1.$z."},
    "dkim_cname_no_domainkey": {"zone": moved("$n"), **ALIAS, "found": "$1.$d", "advice": "the part ._domainkey is missing"},
    "dkim_cname_labels_swapped": {"zone": moved("_domainkey.$n"), **ALIAS, "found": "_domainkey.$1.$d", "advice": "Move it to " + OWNER},
    "dkim_underscore_stripped": {"zone": moved("$n.domainkey"), **ALIAS, "found": "$1.domainkey.$d", "advice": "its underscore was lost"},
    "dkim_cname_owner_typo": {"zone": {**NO_DKIM, **{f"${n}._domainkeys": [f"CNAME ${n}.$z."] for n in "123"}}, **ALIAS,
                              "found": "_domainkeys", "advice": "The name reads",
                              "args": ["--entered", "$1._domainkeys.$d", "--entered", "$2._domainkeys.$d", "--entered", "$3._domainkeys.$d"]},
    "dkim_cname_target_typo": {"zone": {"$1._domainkey": ["CNAME $1.dkim.amazonses.co."]}, **ALIAS, "found": "$1.dkim.amazonses.co",
                               "advice": "Copy and paste it"},
    "dkim_cname_target_scheme": {"zone": three(r"CNAME https://$n.$z."), **ALIAS, "found": "https://$1.$z",
                                 "advice": "is no bare host name"},
    "dkim_cname_swapped_tokens": {"zone": {"$1._domainkey": ["CNAME $2.$z."], "$2._domainkey": ["CNAME $1.$z."]}, **ALIAS,
                                  "found": "$2.$z", "advice": "are interchanged"},
    "dkim_cname_stale_token": {"zone": {"$1._domainkey": ["CNAME 00001111222233334444555566667777.$z."]}, **ALIAS,
                               "found": "00001111222233334444555566667777.$z", "advice": "belongs to an earlier set-up"},
    "dkim_cname_wrong_zone": {"zone": three("CNAME $n.dkim.eu-south-1.amazonses.com."), **ALIAS,
                              "found": "$1.dkim.eu-south-1.amazonses.com", "advice": "ends in the zone of another region"},
    "dkim_cname_target_other": {"zone": {"$1._domainkey": ["CNAME $1.dkim.mailhost.net."]}, **ALIAS, "found": "$1.dkim.mailhost.net",
                                "advice": "which is not Amazon SES"},
    "dkim_cname_wrong_domain": {"sub": "news", "zone": NO_DKIM, "apex": {f"${n}._domainkey": [f"CNAME ${n}.$z."] for n in "123"}, **ALIAS,
                                "found": "dkim-cname-wrong-domain.com", "advice": "they belong in $d"},
    "dkim_record_as_txt": {"zone": three('TXT "$n.$z"'), **ALIAS, "advice": "Change its type to CNAME, with the value $1.$z"},
    "dkim_record_as_a": {"zone": three("A 93.184.216.34"), **ALIAS, "found": "93.184.216.34", "advice": "Replace it by a CNAME record"},
    "dkim_cname_proxied": {"zone": three("A 104.16.132.229"), "hosts": {"ada.ns.cloudflare.com": ["127.1.1.1"],
                                                                      "bob.ns.cloudflare.com": ["127.1.1.2"]},
                           **ALIAS, "found": "104.16.132.229", "advice": 'Switch the record to "DNS only"'},
    "dkim_cname_flattened": {"zone": three(f'TXT "p={KEY[:250]}" "{KEY[250:]}"'), "flat_key": KEY, **ALIAS,
                             "advice": "Turn off CNAME flattening"},
    "dkim_cname_conflict": {"zone": {"$1._domainkey": ["CNAME $1.$z.", 'TXT "v=DKIM1; p="']}, "at": ["s1", "s2"], **ALIAS,
                            "advice": "keep only CNAME $1.$z"},
    "dkim_key_missing_at_target": {"keys": [], "owner": OWNER, "severity": "temporary",
                                   "advice": "Amazon has not published the key", "evidence": {"rcode": 3}},
    "dkim_key_multiple": key(f"p={KEY}", f"p={rsa_key(2048)}", advice="Keep exactly one TXT record"),
    "dkim_key_syntax": key(f"k=rsa; k=rsa; p={KEY}", found="k", advice="is damaged near"),
    "dkim_key_version_bad": key(f"v=DKIM2; p={KEY}", found="DKIM2", advice="must begin with v=DKIM1"),
    "dkim_key_public_missing": key("v=DKIM1; k=rsa", found="k=rsa", advice="The key part p= is missing"),
    "dkim_key_revoked": key("v=DKIM1; p=", advice="has been revoked"),
    "dkim_key_base64_invalid": key(f"p={KEY[:40]}*{KEY[41:]}", found="*", advice="characters that do not belong there"),
    "dkim_key_public_invalid": key(f"p={KEY[:200]}", advice="cut off or of the wrong kind (got 150 octets)"),
    "dkim_key_quotes_embedded": key(f'"p={KEY}"', advice="Remove the quotation marks"),
    "dkim_key_too_short": key(f"p={rsa_key(768)}", advice="the one at " + OWNER + " has 768"),
    "dkim_key_1024": key(f"p={rsa_key(1024)}", severity="warning", advice="has 1024 bits"),
    "dkim_key_too_long": key(f"p={rsa_key(4224)}", severity="warning", advice="has 4224 bits"),
    "dkim_key_type_unknown": key(f"k=dsa; p={KEY}", found="dsa", advice="unsupported type dsa"),
    "dkim_key_ed25519_only": key(f"k=ed25519; p={ED25519}", severity="info", advice="sign with RSA as well"),
    "dkim_key_hash_unsupported": key(f"h=sha1; p={KEY}", found="sha1", advice="Remove h= or add sha256"),
    "dkim_key_wrong_service": key(f"s=tlsrpt; p={KEY}", found="tlsrpt", advice="Remove s="),
    "dkim_key_testing_flag": key(f"t=y; p={KEY}", severity="warning", advice="Remove t=y"),
    "dkim_key_strict_flag": key(f"t=s; p={KEY}", severity="info", advice="(t=s)"),
    "dkim_key_mismatch": {"zone": {**NO_DKIM, "key2026._domainkey": [text(f"v=DKIM1; p={KEY}")]}, "tokens": [],
                          "args": ["--selector", "key2026", "--public-key", rsa_key(2048)],
                          "owner": "key2026._domainkey.$d", "severity": "error", "advice": "is not the one used for signing"},
}
