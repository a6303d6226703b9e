"""A whole tree of DNS on loopback, as the Internet has it: a signed root, signed TLDs (com, net, org), Amazon's zone, clients'
zones on two real servers (nsd), three validating resolvers (unbound) and servers that follow a script (dns_liar.py).

Everything has port 53, so it lives inside `unshare -n` (netns.py). Names of servers:

    a b            nsd: ns1.dns-host.net, ns2.dns-host.net, the usual provider, IPv4 and IPv6
    old            nsd: a provider that is not used any more
    s1 s2 s3       scripted: ns1.scripted.net ...
    notcp          scripted, port 53 closed for TCP
    dead           an address nobody listens on
    r1 r2 r3       unbound
    liar liar2     resolvers that ask r1 or r2 and spoil the answers by rules

    with Lab() as lab:
        lab.put("client.com", {"@": ['TXT "v=spf1 -all"'], "www": ["300 A 192.0.2.1"]})
        lab.apply()
        report = lab.check("client.com")
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import contract
from dns_daemons import Nsd, Unbound
from dns_liar import Liar
from dns_sign import Key, sign
from world import worker_program

ROOT = "127.1.0.1"
REGISTRY = "127.1.0.2"
REGISTRY_V6 = "3ffe::2"  # the 6bone's, given back (RFC 3701): public to the eye, routed nowhere; reached also without dns.allow_private
TLDS = ("com", "net", "org")
SERVERS = {  # name -> (host, addresses)
    "a": ("ns1.dns-host.net", ["127.1.1.1", "fd53::1:1"]),
    "b": ("ns2.dns-host.net", ["127.1.1.2", "fd53::1:2"]),
    "old": ("ns1.old-host.net", ["127.1.1.3"]),
    "s1": ("ns1.scripted.net", ["127.1.2.1"]),
    "s2": ("ns2.scripted.net", ["127.1.2.2"]),
    "s3": ("ns3.scripted.net", ["127.1.2.3"]),
    "notcp": ("ns4.scripted.net", ["127.1.2.4"]),
    "dead": ("ns5.scripted.net", ["127.1.9.9"]),
}
REAL = ("a", "b", "old")
RESOLVERS = {"r1": "127.1.3.1", "r2": "127.1.3.2", "r3": "127.1.3.3", "liar": "127.1.3.9", "liar2": "127.1.3.8"}
REGION = "eu-west-1"
DKIM_ZONE = "dkim.amazonses.com"
TTL = 300
TIMEOUT_S = 60
AMAZON_SPF = "v=spf1 ip4:199.255.192.0/22 ip4:199.127.232.0/22 ip4:54.240.0.0/18 -all"

# Three tokens as SES makes them, with keys behind them; good for every domain of the lab.
TOKENS = ("4f6d7k2qzx3m5n7b9v1c3l5p7r9t2w4y", "h3j5k7m9n2p4q6r8s1t3v5w7x9y2z4b6", "q7w9e2r4t6y8u1p3s5d7f9g2h4j6k8m1")


def rsa_key(bits):
    """A public key as DKIM publishes it: base64 of its SubjectPublicKeyInfo."""
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(serialization.Encoding.DER,
                                                serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


def text(value):
    """A TXT record's data: the value in strings of at most 255 octets."""
    pieces = [value[i:i + 255] for i in range(0, len(value), 255)] or [""]
    return "TXT " + " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def absolute(name, origin):
    if name in ("", "@"):
        return f"{origin}."
    return name if name.endswith(".") else f"{name}.{origin}."


def damaged(line):
    """A signature that does not fit its records, which stay as they are; the keys' own stays good."""
    words = line.split()
    if len(words) < 13 or words[3] != "RRSIG" or words[4] == "DNSKEY":
        return line
    words[12] = ("B" if words[12][0] == "A" else "A") + words[12][1:]
    return " ".join(words)


class Domain:
    """One zone of the lab and how it is delegated."""

    def __init__(self, name, records, at, **options):
        self.name = name
        self.records = dict(records)
        self.at = list(at)
        self.serial = 0
        self.key = None
        self.signed_until = self.signed_from = None
        self.hosts = options.pop("hosts", None)  # host -> addresses; None = those of `at`
        self.child_ns = options.pop("child_ns", None)  # hosts the zone itself lists; None = as the parent
        self.delegation = options.pop("delegation", "ns")  # "ns", "hold" (exists without NS), "none"
        self.sign = options.pop("sign", None)  # None, "good", "expired", "future", "wrong_ds", "changed"
        self.ds = options.pop("ds", None)  # DS data instead of the key's
        self.differing = options.pop("differing", {})  # server -> (records, how many serials behind)
        self.ttl = options.pop("ttl", TTL)
        assert not options, options

    def host_addresses(self):
        return self.hosts or dict(SERVERS[server] for server in self.at)

    def lines(self, records, serial):
        hosts = self.child_ns or list(self.host_addresses())
        out = [f"{self.name}. {self.ttl} SOA {hosts[0]}. hostmaster.{self.name}. {serial} 3600 600 86400 {min(self.ttl, 60)}"]
        out += [f"{self.name}. {self.ttl} NS {host}." for host in hosts]
        for owner, entries in records.items():
            for entry in entries or []:
                ttl, data = entry.split(None, 1) if entry[0].isdigit() else (self.ttl, entry)
                out.append(f"{absolute(owner, self.name)} {ttl} {data}")
        out += [f"{host}. {TTL} {'AAAA' if ':' in address else 'A'} {address}" for host, addresses in self.host_addresses().items()
                if host.endswith("." + self.name) and host.split(".", 1)[0] not in records for address in addresses]
        return out

    def lines_at(self, server):
        records, behind = self.differing.get(server, (None, 0))
        return self.lines(self.records if records is None else records, self.serial - behind)


class Lab:
    def __init__(self):
        self.domains = {}
        self.changed = set()
        self.serial = 1

    # --- life ---

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sv-lab-"))
        self._add_addresses()
        self.keys = {tld: Key(tld, self._keys_folder()) for tld in ("", *TLDS)}
        self.liar = Liar({SERVERS[s][1][0]: s != "notcp" for s in ("s1", "s2", "s3", "notcp")}).start()
        self.root = Nsd(self.folder, "root", [ROOT, "fd53::1"])
        self.registry = Nsd(self.folder, "registry", [REGISTRY, REGISTRY_V6])
        self.real = {server: Nsd(self.folder, server, SERVERS[server][1]) for server in REAL}
        anchor = self.keys[""].dnskey()
        self.resolvers = {name: Unbound(self.folder, name, address, [ROOT, "fd53::1"], anchor)
                          for name, address in RESOLVERS.items() if not name.startswith("liar")}
        for daemon in self._daemons():
            daemon.start()
        self.lying_resolver = Liar({RESOLVERS["liar"]: True}, upstream=RESOLVERS["r1"]).start()
        self.other_liar = Liar({RESOLVERS["liar2"]: True}, upstream=RESOLVERS["r2"]).start()
        self._serve_root()
        self._put_hosts()
        self._put_amazon()
        self.apply()
        return self

    def __exit__(self, *_):
        for daemon in self._daemons():
            daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        faults = [fault for liar in (self.liar, self.lying_resolver, self.other_liar) for fault in liar.faults]
        assert not faults, faults

    def _daemons(self):
        return [self.root, self.registry, *self.real.values(), *self.resolvers.values()]

    def _keys_folder(self):
        folder = self.folder / "keys"
        folder.mkdir(exist_ok=True)
        return folder

    def _add_addresses(self):
        v6 = ["fd53::1", REGISTRY_V6, *(a for _, addresses in SERVERS.values() for a in addresses if ":" in a)]
        for address in v6:
            subprocess.run(["ip", "-6", "address", "replace", f"{address}/128", "dev", "lo", "nodad"], check=True)

    def _put_hosts(self):
        """The zones of the providers' names; hosts of single domains join them in `put`."""
        self.host_zones = {}
        for host, addresses in SERVERS.values():
            self._add_host(host, addresses)

    def _add_host(self, host, addresses):
        zone = ".".join(host.split(".")[-2:])
        records = self.host_zones.setdefault(zone, {})
        records[host[:-len(zone) - 1]] = [f"{'AAAA' if ':' in a else 'A'} {a}" for a in addresses]
        self._keep(Domain(zone, records, ["a", "b"]))

    def _put_amazon(self):
        key = rsa_key(2048)
        records = {"@": [text(AMAZON_SPF)], **{f"{t}.dkim": [text(f"p={key}")] for t in TOKENS}}
        for host in ("feedback-smtp.eu-west-1", "feedback-smtp.us-east-1", "inbound-smtp.eu-west-1"):
            records[host] = ["A 54.240.1.1"]
        self._keep(Domain("amazonses.com", records, ["a", "b"]))

    # --- what is published ---

    def put(self, name, records, at=("a", "b"), **options):
        """(Re)places a zone; served after `apply`. `records`: owner relative to the zone ("@" = itself) -> lines "[TTL] TYPE data".
        Options as in Domain: hosts, child_ns, delegation, sign, ds, differing, ttl."""
        before = self.domains.get(name)
        domain = Domain(name, records, at, **options)
        if before:
            domain.serial, domain.key = before.serial, before.key
        for host, addresses in domain.host_addresses().items():
            zone = ".".join(host.split(".")[-2:])
            known = dict(SERVERS.values())
            if host not in known and zone != name and not host.endswith("." + name):
                self._add_host(host, addresses)
        return self._keep(domain)

    def publish(self, name, records, at=("a", "b"), **options):
        self.put(name, records, at, **options)
        self.apply()

    def amazon_has(self, records):
        """Adds to amazonses.com; served after `apply`."""
        self.domains["amazonses.com"].records.update(records)
        self.changed.add("amazonses.com")

    def _keep(self, domain):
        self.domains[domain.name] = domain
        self.changed.add(domain.name)
        return domain

    def remove(self, name):
        domain = self.domains.pop(name)
        self.liar.forget(name)
        for server in self.real.values():
            server.forget([name])
        self.changed.discard(name)
        self._serve_tlds()
        return domain

    def apply(self):
        """Serves what was put, everywhere; returns when it is."""
        serials = {server: {} for server in REAL}
        for name in sorted(self.changed):
            domain = self.domains[name]
            domain.serial += 10
            for server in domain.at:
                self._serve_domain(domain, server, serials)
        for server, wanted in serials.items():
            if wanted:
                self.real[server].serve(wanted)
        if any(self.domains[name].name.count(".") == 1 for name in self.changed):
            self._serve_tlds()
        self.changed.clear()

    def _serve_domain(self, domain, server, serials):
        if server == "dead":
            return
        lines = domain.lines_at(server)
        if server not in REAL:
            self.liar.zone(domain.name, lines, [SERVERS[server][1][0]])
            return
        path = self.real[server].path(domain.name)
        path.write_text("\n".join(lines) + "\n")
        if domain.sign:
            self._sign(domain, path)
        serials[server][domain.name] = domain.serial - domain.differing.get(server, (None, 0))[1]

    def _sign(self, domain, path):
        domain.key = domain.key or Key(domain.name, self._keys_folder())
        state = domain.sign if domain.sign in ("expired", "future") else "good"
        signed, domain.signed_from, domain.signed_until = sign(domain.name, path, domain.key, state)
        content = signed.read_text()
        if domain.sign == "changed":  # as if the records had been edited after they were signed
            content = "\n".join(damaged(line) for line in content.splitlines()) + "\n"
        path.write_text(content)

    # --- root and registries ---

    @staticmethod
    def _zone_text(zone, host, serial, lines):
        return "\n".join([f"{zone}. {TTL} SOA {host}. hostmaster.{host}. {serial} 3600 600 86400 60",
                          f"{zone}. {TTL} NS {host}.", *lines]) + "\n"

    def _serve_signed(self, server, zone, content):
        path = server.path(zone)
        path.write_text(content)
        signed, _, _ = sign(zone, path, self.keys[zone])
        path.write_text(signed.read_text())
        server.serve({zone: self.serial})

    def _serve_root(self):
        lines = [f"ns.root-servers.net. {TTL} A {ROOT}", f"ns.root-servers.net. {TTL} AAAA fd53::1"]
        for tld in TLDS:
            lines += [f"{tld}. {TTL} NS ns.registry.net.", f"{tld}. {TTL} DS {self.keys[tld].ds()}"]
        lines += [f"ns.registry.net. {TTL} A {REGISTRY}", f"ns.registry.net. {TTL} AAAA {REGISTRY_V6}"]
        self._serve_signed(self.root, "", self._zone_text("", "ns.root-servers.net", self.serial, lines))

    def _delegation(self, domain):
        if domain.delegation == "none":
            return []
        if domain.delegation == "hold":
            return [f"{domain.name}. {TTL} TXT \"on hold\""]
        lines = []
        for host, addresses in domain.host_addresses().items():
            lines.append(f"{domain.name}. {TTL} NS {host}.")
            if host.endswith("." + domain.name):
                lines += [f"{host}. {TTL} {'AAAA' if ':' in a else 'A'} {a}" for a in addresses]
        ds = domain.ds
        if ds is None and domain.sign == "wrong_ds":
            ds = [Key(domain.name, self._keys_folder()).ds()]
        elif ds is None and domain.sign:
            ds = [domain.key.ds()]
        domain.ds = ds
        return lines + [f"{domain.name}. {TTL} DS {data}" for data in ds or []]

    def _serve_tlds(self):
        self.serial += 1
        for tld in TLDS:
            lines = [line for name, domain in sorted(self.domains.items())
                     if name.count(".") == 1 and name.endswith("." + tld) for line in self._delegation(domain)]
            if tld == "net":
                lines += [f"ns.registry.net. {TTL} A {REGISTRY}", f"ns.registry.net. {TTL} AAAA {REGISTRY_V6}"]
            self._serve_signed(self.registry, tld, self._zone_text(tld, "ns.registry.net", self.serial, lines))

    # --- asking ---

    @property
    def settings(self):
        """What a sesverify needs in its environment to use this tree."""
        return {} if os.environ.get("SV_LAB_OLD") else {
            "SESVERIFY_DNS_ROOT_SERVERS": ROOT, "SESVERIFY_DNS_ALLOW_PRIVATE": "true",
            "SESVERIFY_DNS_AUTHORITY_RATE": "1000"}  # the servers are ours

    def check(self, domain, *args, resolvers=("r1", "r2", "r3"), tokens=TOKENS, mail_from=None, settings=None, region=REGION):
        """`sesverify check DOMAIN --json`; its report, with `exit` = its exit code."""
        command = [worker_program(), "check", domain, "--json"]
        for resolver in resolvers:
            command += ["--server", RESOLVERS.get(resolver, resolver)]
        for token in tokens:
            command += ["--token", token]
        command += ["--region", region] if region else []
        command += ["--mail-from", mail_from] if mail_from else []
        clean = {k: v for k, v in os.environ.items() if not re.match("AWS_|SESVERIFY_", k)}
        done = subprocess.run([*command, *map(str, args)], env={**clean, **self.settings, **(settings or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.stdout.startswith("{"), f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return {**json.loads(contract.outputs(done.stdout)), "exit": done.returncode, "stderr": done.stderr}


def healthy(tokens=TOKENS, mail_from="bounce"):
    """The records of a domain at which nothing is wrong, to be changed by a test: owner -> lines."""
    records = {
        "@": ["MX 10 mail", text("v=spf1 include:amazonses.com -all")],
        "mail": ["A 198.51.100.25"],
        "_dmarc": [text("v=DMARC1; p=quarantine; rua=mailto:dmarc@{d}")],
    }
    records.update({f"{token}._domainkey": [f"CNAME {token}.{DKIM_ZONE}."] for token in tokens})
    if mail_from:
        records[mail_from] = [f"MX 10 feedback-smtp.{REGION}.amazonses.com.", text("v=spf1 include:amazonses.com -all")]
    return records


def zone_of(domain, changes=None, tokens=TOKENS, mail_from="bounce"):
    """`healthy` with changes (owner -> lines, None = nothing there); {d} is the domain."""
    records = {**healthy(tokens, mail_from=mail_from), **(changes or {})}
    return {owner.replace("{d}", domain): [line.replace("{d}", domain) for line in lines]
            for owner, lines in records.items() if lines is not None}
