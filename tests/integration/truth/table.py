"""The table of the proof on the wire: one case for every code of the catalogue, and how a case becomes a zone of the lab.

A case is a dict. What is published ($d = the domain, $1 $2 $3 = its DKIM tokens, $z = SES's DKIM zone):

    zone        owner (relative to the domain) -> lines, changes to a healthy domain; None = nothing there
    only        the same, but instead of a healthy domain          apex    changes at the registrable domain above `sub`
    sub         the domain is SUB.<registrable domain>             keys    TXT records behind its three DKIM aliases
    before, prime   what was published first, and the questions resolvers were asked then
    at, hosts, child_ns, delegation, sign, ds   as in dns_lab.Domain; hosts may name servers ("a b")
    differing   server -> (changes, how many serials behind)       below   zones below the domain, on s1
    rules       what scripted servers do (dns_liar)                lies    what the lying resolver does
    more, more_at, more_rules   other zones

How it is asked: tokens, mail_from, args, resolvers, settings. What has to come of it: severity, owner, expected, found
(a part of it), advice (a part of it), pending (why it cannot be shown yet),
evidence (a tuple: one of these), also (codes that may stand beside it; no other may), repeats (it may be told of
several names), owners (all names that it must be told of, and no other)."""
import hashlib
import re

from cases import delegation, dkim, dmarc, mail
from dns_lab import DKIM_ZONE, SERVERS, TOKENS, text, zone_of

CASES = {**delegation.CASES, **dkim.CASES, **mail.CASES, **dmarc.CASES}
RESOLVERS = ("r1", "r2")
ZONE_OPTIONS = ("child_ns", "delegation", "sign", "ds")


def own_tokens(code):
    """Three tokens that only this case has."""
    return tuple(hashlib.sha256(f"{code} {n}".encode()).hexdigest()[:32] for n in range(3))


class Case:
    def __init__(self, code):
        self.code = code
        self.data = CASES[code]
        self.apex = self.data.get("apex_name", code.replace("_", "-") + ".com")
        self.domain = f"{self.data['sub']}.{self.apex}" if "sub" in self.data else self.apex
        self.tokens = own_tokens(code) if "keys" in self.data or "flat_key" in self.data else TOKENS

    def get(self, key, default=None):
        return self.data.get(key, default)

    def fill(self, value):
        """The value with its places filled in, also inside lists and dicts."""
        if isinstance(value, str):
            for place, word in zip(("$1", "$2", "$3", "$d", "$z"), (*self.tokens, self.domain, DKIM_ZONE)):
                value = value.replace(place, word)
            return re.sub(r'"([^"\\]{256,})"', lambda m: text(m.group(1))[4:], value)  # places grow: split anew
        if isinstance(value, dict):
            return {self.fill(k): self.fill(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.fill(v) for v in value)
        return value

    # --- publishing ---

    def records(self, changes):
        """The zone of the registrable domain, with the domain's records under their whole names."""
        changes = self.fill(changes)
        base = self.fill(self.get("only")) if "only" in self.data else zone_of(self.domain, changes, self.tokens)
        whole = {(self.domain if owner == "@" else f"{owner}.{self.domain}") + ".": lines for owner, lines in base.items() if lines}
        whole = {owner: [relative_targets(line, self.domain) for line in lines] for owner, lines in whole.items()}
        for owner, lines in self.fill(self.get("apex", {})).items():
            whole[f"{owner}.{self.apex}."] = lines
        return whole

    def put(self, lab, changes):
        at = self.get("at", ["a", "b"])
        options = {key: self.data[key] for key in ZONE_OPTIONS if key in self.data}
        hosts = self.get("hosts")
        if isinstance(hosts, str):
            hosts = dict(SERVERS[server] for server in hosts.split())
        differing = {server: (self.records(other), behind) for server, (other, behind) in self.get("differing", {}).items()}
        lab.put(self.apex, self.records(changes), at, hosts=hosts, differing=differing, **options)

    def prepare(self, lab):
        """Everything but the last state of the domain's zone."""
        if self.get("delegation") == "none":
            return
        self.put(lab, self.get("before", self.get("zone", {})))
        for rule in self.get("rules", []):
            lab.liar.rule(self.apex, **self.fill(rule))
        for lie in self.get("lies", []):
            lab.lying_resolver.rule(self.apex, **self.fill(lie))
        for label, records in self.get("below", {}).items():
            lab.put(f"{label}.{self.domain}", self.fill(records), ["s1"], delegation="none")
        for name, records in self.get("more", {}).items():
            if records is not None:
                lab.put(self.fill(name), self.fill(records), self.get("more_at", ["a", "b"]))
            for rule in self.get("more_rules", []):
                lab.liar.rule(name, **rule)
        if "keys" in self.data:
            lab.amazon_has({f"{token}.dkim": self.data["keys"] for token in self.tokens})

    def has_two_states(self):
        return "before" in self.data

    def primes(self):
        for name, kind in self.get("prime", []):
            for n in "123" if "$n" in name else "1":
                yield self.fill(name.replace("$n", f"${n}")), kind

    # --- asking ---

    def check(self, lab):
        mail_from = self.get("mail_from", "bounce")
        return lab.check(self.domain, *self.fill(self.get("args", [])), resolvers=self.get("resolvers", RESOLVERS),
                         tokens=self.get("tokens", self.tokens), mail_from=mail_from and self.fill(mail_from),
                         settings=self.get("settings"))


def relative_targets(line, domain):
    """"MX 10 mail" becomes "MX 10 mail.<domain>.": the zone of a subdomain's records is the one above it."""
    words = line.split()
    if words[0] == "MX" and not words[-1].endswith("."):
        return f"{line}.{domain}."
    return line


# --- what a report has to say ---

SERVERS_OF = {"registry": ("127.1.0.2", "[3ffe::2]"), "s": ("127.1.2.",), "r": ("127.1.3.",), "liar": ("127.1.3.9",),
              "lab": ("127.1.", "[fd53:"), "host": ("ns1.",)}  # host: one whose address was not asked


def faults(case, report):
    """What is not as the case says; [] = proved."""
    out = []
    findings = {f["code"]: f for f in report["findings"]}
    ours = [f for f in report["findings"] if f["code"] == case.code]
    finding = next((f for f in ours if f["owner"] == case.fill(case.get("owner", ""))), ours[0] if ours else None)
    others = set(findings) - {case.code} - set(case.get("also", ()))
    if others:
        out.append(f"beside it stands {sorted(others)}")
    if finding is None:
        return out + [f"not found; findings: {sorted(findings)}"]
    if len(ours) > 1 and not case.get("repeats"):
        out.append("found more than once")
    owners = {f["owner"] for f in ours}
    if case.get("owners") and owners != set(case.fill(case.get("owners"))):
        out.append(f"it is told of {sorted(owners)}")
    for key in ("severity", "owner"):
        if case.get(key) and finding[key] != case.fill(case.get(key)):
            out.append(f"{key} is {finding[key]!r}, not {case.fill(case.get(key))!r}")
    for key in ("expected", "found", "advice"):
        if case.get(key) and case.fill(case.get(key)) not in finding[key]:
            out.append(f"{key} is {finding[key]!r}, without {case.fill(case.get(key))!r}")
    if not finding["advice"] or any(place in finding["advice"] for place in ("{owner}", "{expected}", "{found}", "{until}", "{n}", "{d}")):
        out.append(f"the advice has holes: {finding['advice']!r}")
    return out + evidence_faults(case, finding)


def evidence_faults(case, finding):
    wanted = {"server": "lab", **case.get("evidence", {})}
    evidence = finding["evidence"]
    if evidence is None:
        return [] if case.get("evidence", ...) is None else ["no evidence"]
    out = []
    if not evidence["server"].startswith(SERVERS_OF[wanted["server"]]):
        out.append(f"the witness is {evidence['server']}, not {wanted['server']}")
    for key, value in wanted.items():
        if key != "server" and evidence.get(key) not in (value if isinstance(value, tuple) else (value,)):
            out.append(f"evidence.{key} is {evidence.get(key)!r}, not {value!r}")
    return out
