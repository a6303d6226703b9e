#!/usr/bin/python3
"""Writes the seed corpora: replies of a real nsd as they came over the wire, the same ones broken in
the known ways, and server addresses. Run it by hand when a new kind of reply is worth a seed."""
import pathlib
import socket
import struct
import sys
import tempfile

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration" / "dns"))
from conftest import start_nsd  # noqa: E402  (the zone and the server of the integration tests)

QUESTIONS = [
    ("client.example", "A"), ("client.example", "AAAA"), ("client.example", "NS"),
    ("client.example", "MX"), ("client.example", "SOA"), ("client.example", "TXT"),
    ("null.client.example", "MX"), ("split.client.example", "TXT"), ("odd.client.example", "TXT"),
    ("spf.client.example", "SPF"), ("t1._domainkey.client.example", "TXT"),
    ("t1._domainkey.client.example", "CNAME"), ("abroad.client.example", "TXT"),
    ("dangling.client.example", "TXT"), ("nodata.client.example", "MX"),
    ("loop1.client.example", "TXT"), ("c3.client.example", "TXT"), ("c4.client.example", "TXT"),
    ("x.wild.client.example", "TXT"), ("nothing.client.example", "TXT"),
    ("www.delegated.client.example", "TXT"), ("other.example", "TXT"),
    (r"od\.d\@name.client.example", "TXT"), ("toodd.client.example", "TXT"),
    ("odder.client.example", "TYPE65280"), ("big.client.example", "TXT"),
]


def ask(name, kind, port, edns):
    query = dns.message.make_query(name, kind, use_edns=0 if edns else -1, payload=1232)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.sendto(query.to_wire(), ("127.0.0.1", port))
        return udp.recv(65535)


def record(kind, data, owner=b"\xc0\x0c", ttl=300):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def set_counts(packet, *counts):
    return packet[:4] + struct.pack("!4H", *counts) + packet[12:]


def broken(plain):
    """`plain` is a reply without EDNS and without records."""
    question = plain[:12] + plain[12:plain.index(b"\0", 12) + 5]
    end = len(question)
    one = lambda rr, *counts: set_counts(question + rr, 1, *(counts or (1, 0, 0)))  # noqa: E731
    below = lambda kind, data, **more: record(kind, data, question[12:-4], **more)  # noqa: E731
    rrsig = lambda kind: struct.pack("!H", kind) + b"\x0d\3" + bytes(14) + b"\0" + bytes(64)  # noqa: E731
    soa = record(6, b"\0\0" + bytes(20), b"\0")
    without_aa = lambda packet: packet[:2] + b"\x80\0" + packet[4:]  # noqa: E731
    host = b"\2ns\7example\0"
    tsig = record(250, b"\x03md5\0" + bytes(16), b"\x01k\0", 0)
    return {
        "empty": b"",
        "header": question[:12],
        "count_high": one(record(16, b"\x01a"), 2, 0, 0),
        "trailing": one(record(16, b"\x01a")) + b"\0",
        "loop": one(record(16, b"\x01a", struct.pack("!H", 0xc000 | end))),
        "forward": one(record(16, b"\x01a", struct.pack("!H", 0xc000 | (end + 4)))),
        "tsig_twice": one(tsig + tsig, 0, 0, 2),
        "sig0": one(record(24, bytes(20), b"\0", 0), 0, 0, 1),
        "opt_twice": one(2 * record(41, b"", b"\0", 0), 0, 0, 2),
        "badvers": one(record(41, b"", b"\0", 1 << 24), 0, 0, 1),
        "ede": one(record(41, b"\0\x0f\0\x05\0\x16why", b"\0", 0), 0, 0, 1),
        "long_label": one(record(16, b"\x01a", b"\x40" + b"a" * 64 + b"\0")),
        "long_name": one(record(16, b"\x01a", (b"\x3f" + b"a" * 63) * 4 + b"\0")),
        "odd_alias": one(record(5, b"\x05a.b\\\x01\x02\xc3\xa9\0")),
        "two_aliases": one(record(5, b"\x01a\xc0\x0c") + record(5, b"\x01b\xc0\x0c"), 2, 0, 0),
        "srv": one(record(33, b"\0\1\0\2\0\3\xc0\x0c")),
        "rrsig": one(record(46, b"\0\x10\x08\2" + bytes(14) + b"\xc0\x0c" + bytes(32))),
        "nsec": one(record(47, b"\xc0\x0c\0\4\0\0\0\1"), 0, 1, 0),
        "caa_and_more": one(record(257, b"\0\5issueca.example") + record(52, b"\3\1\1abc"), 2, 0, 0),
        "svcb": one(record(64, b"\0\1\xc0\x0c\0\1\0\3\2h2")),
        "empty_data": one(record(65280, b"")),
        "cookie": one(record(41, b"\0\x0a\0\x10" + bytes(16), b"\0", 0), 0, 0, 1),
        "cookie_short": one(record(41, b"\0\x0a\0\x09" + bytes(9), b"\0", 0), 0, 0, 1),
        "two_ede": one(record(41, b"\0\x0f\0\2\0\0\0\x0f\0\2\0\7", b"\0", 0), 0, 0, 1),
        "referral": without_aa(one(record(2, host, b"\0") + record(1, b"\x7f\0\0\1", host), 0, 1, 1)),
        "signed": b"\1" + one(below(16, b"\x01a") + below(46, rrsig(16)), 2, 0, 0)[1:],
        "compact": one(soa + below(47, b"\0\0\x11" + bytes(16) + b"\x80") + record(46, rrsig(47)), 0, 3, 0),
        "nsec3": b"\1" + one(soa + record(50, b"\1\0\0\0\0\4hash\0\1\x40", b"\4hash\0"), 0, 2, 0)[1:],
        "ds_dnskey": one(record(43, b"\1\2\x0d\2" + bytes(32)) + record(48, b"\1\1\3\x0d" + bytes(64)), 2, 0, 0),
        "apl_naptr": one(record(42, b"\0\1\x10\2\xc0\0") + record(35, b"\0\1\0\2\1u\1e\0\0"), 2, 0, 0),
    }


SERVERS = ["192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:5353", "[::1]", "::", "1:2",
           "192.0.2.1:65536", "[1.2.3.4]:53", "[::1]:", "fe80::1%eth0", "::ffff:192.0.2.1"]


def write(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_nsd(pathlib.Path(folder))
        assert process, port
        try:
            for number, (name, kind) in enumerate(QUESTIONS):
                write(HERE / "corpus/packet", f"real_{number:02}_{kind.lower()}",
                      ask(name, kind, port, edns=number % 2 == 0))
            plain = ask("ttl.client.example", "TXT", port, edns=False)
        finally:
            process.terminate()
            process.wait(timeout=10)
    for name, data in broken(plain).items():
        write(HERE / "corpus/packet", f"made_{name}", data)
    for number, text in enumerate(SERVERS):
        write(HERE / "corpus/server", f"{number:02}", text.encode())


main()
