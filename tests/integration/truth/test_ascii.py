"""Records that lie where a panel kept U-labels as they were typed: raw UTF-8 in the owners of real zones."""
import pytest

from dns_lab import DKIM_ZONE, TOKENS, text, zone_of

TYPED = r"b\195\188ro"  # the octets of a u with two dots
ALABEL = "xn--bro-hoa"


def published(domain, typed):
    """The DKIM aliases and the DMARC record under the name as it was typed, the rest where it belongs."""
    zone = {f"{domain}.": [text("v=spf1 include:amazonses.com -all"), f"MX 10 mail.{domain}."], f"mail.{domain}.": ["A 198.51.100.25"]}
    zone.update({f"{token}._domainkey.{typed}.": [f"CNAME {token}.{DKIM_ZONE}."] for token in TOKENS})
    zone[f"_dmarc.{typed}."] = [text(f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}")]
    return zone


@pytest.mark.parametrize("apex, domain, typed", [
    ("ascii-above.com", f"{ALABEL}.ascii-above.com", f"{TYPED}.ascii-above.com"),
    (f"{ALABEL}.com", f"{ALABEL}.com", f"{TYPED}.com.{ALABEL}.com")], ids=["in the zone above", "with the zone added"])
def test_records_under_u_labels_are_found(lab, apex, domain, typed):
    lab.publish(apex, published(domain, typed))
    report = lab.check(domain, resolvers=("r1", "r2"))
    found = {f["owner"]: f for f in report["findings"]}
    assert {f["code"] for f in report["findings"]} == {"dns_name_not_ascii"}, report["findings"]
    assert set(found) == {f"{TOKENS[0]}._domainkey.{domain}", f"_dmarc.{domain}"}
    for owner, finding in found.items():
        assert finding["severity"] == "error" and finding["expected"] == owner
        assert finding["found"] == owner.replace(domain, typed)
        assert finding["evidence"]["rcode"] == 0


def test_a_name_as_it_was_entered_is_asked_octet_for_octet(lab):
    zone = zone_of("ascii-entered.com")
    zone = {owner: lines for owner, lines in zone.items() if TOKENS[0] not in owner}
    zone[rf"{TOKENS[0]}._dom\208\176inkey.ascii-entered.com."] = [f"CNAME {TOKENS[0]}.{DKIM_ZONE}."]
    lab.publish("ascii-entered.com", zone)
    report = lab.check("ascii-entered.com", "--entered", f"{TOKENS[0]}._dom\u0430inkey.ascii-entered.com", resolvers=("r1", "r2"))
    finding = next(f for f in report["findings"] if f["code"] == "dns_name_not_ascii")
    assert finding["owner"] == finding["expected"] == f"{TOKENS[0]}._domainkey.ascii-entered.com"
    assert finding["found"] == rf"{TOKENS[0]}._dom\208\176inkey.ascii-entered.com"
