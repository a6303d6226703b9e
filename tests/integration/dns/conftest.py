"""An authoritative server (nsd) with one zone on a free loopback port, and the probe that asks it."""
import json
import os
import socket
import subprocess
import time

import dns.message
import dns.query
import pytest

ZONE = r"""
$ORIGIN client.example.
$TTL 300
@           IN SOA ns1 host.client.example. 7 3600 600 86400 120
@           IN NS  ns1
@           IN NS  ns2.other.example.
@           IN MX  10 mx1
@           IN MX  20 mx2.other.example.
@           IN TXT "v=spf1 include:amazonses.com ~all"
@           IN TXT "second record"
@           IN A   192.0.2.1
@           IN AAAA 2001:db8::1
ns1         IN A   127.0.0.1
mx1         IN A   192.0.2.25
null        IN MX  0 .
split       IN TXT "v=DKIM1; p=" "AAAA" "" "BBBB"
odd         IN TXT "\000\255\"quoted\"\\ \195\169"
ttl         60 IN TXT "short"
spf         IN SPF "v=spf1 -all"
t1._domainkey IN CNAME t1.inside
t1.inside   IN TXT "v=DKIM1; p=KEY"
abroad      IN CNAME t2.dkim.amazonses.com.
dangling    IN CNAME nothing.client.example.
nodata      IN CNAME ttl.client.example.
loop1       IN CNAME loop2
loop2       IN CNAME loop1
*.wild      IN TXT "any"
a.b.c       IN TXT "below empty names"
_dmarc      IN TXT "v=DMARC1; p=none"
od\.d\@name IN TXT "escaped owner"
toodd       IN CNAME od\.d\@name
delegated   IN NS  ns1.delegated
ns1.delegated IN A 127.0.0.9
odder       IN TYPE65280 \# 3 010203
%s
"""


def many():
    lines = [f'many IN TXT "number {i}"' for i in range(300)]
    lines += ["big IN TXT " + " ".join('"' + "x" * 250 + '"' for _ in range(200))]
    lines += [f"c{i} IN CNAME c{i + 1}" for i in range(1, 12)] + ['c12 IN TXT "end"']
    return "\n".join(lines)


def free_port():
    """A port free for UDP and TCP alike."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def is_up(port):
    query = dns.message.make_query("client.example", "SOA")
    try:
        return bool(dns.query.udp(query, "127.0.0.1", port=port, timeout=0.5).answer)
    except (dns.exception.Timeout, OSError):
        return False


def start_nsd(folder, more_zones=None):
    """`more_zones`: name to text of zones that are served beside client.example."""
    port = free_port()
    zones = {"client.example": ZONE % many(), **(more_zones or {})}
    clauses = ""
    for number, (name, text) in enumerate(zones.items()):
        (folder / f"{number}.zone").write_text(text)
        clauses += f'zone:\n  name: "{name}"\n  zonefile: "{number}.zone"\n'
    (folder / "nsd.conf").write_text(f"""
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
{clauses}""")
    process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", str(folder / "nsd.conf")])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if is_up(port):
            return process, port
    process.terminate()
    process.wait(timeout=10)
    return None, (folder / "nsd.log").read_text()


@pytest.fixture(scope="session")
def nsd(tmp_path_factory):
    """The port of a running nsd. Somebody may take the port between looking and binding: try again."""
    for attempt in range(3):
        process, port = start_nsd(tmp_path_factory.mktemp(f"nsd{attempt}"))
        if process:
            break
    assert process, port
    yield port
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def probe():
    """Asks one question through sv_dns."""

    def run(name, kind, port, *options):
        command = [os.environ["DNS_PROBE"], name, str(kind), "--server", f"127.0.0.1:{port}", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    return run
