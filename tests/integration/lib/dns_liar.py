"""An authoritative server that follows a script: it can serve what no real server would load, and misbehave.

    liar = Liar({"127.1.2.1": True, "127.1.2.9": False}).start()      # address -> whether it listens on TCP
    liar.zone("client.com", lines, ["127.1.2.1"])                    # lines as in a zone file, absolute names
    liar.rule("client.com", "drop", type="TXT", tcp=False)

With `upstream` it is a resolver that asks another one and spoils its answers by the same rules.

Rules (`do`), applied in order to the answer the zone gives; each may be limited by `name` (owner, absolute), `type`,
`at` (addresses) and `tcp` (True: only over TCP, False: only over UDP):

    drop                no answer                               refused servfail notauth formerr badvers notimp: the rcode
    nxdomain            a denial, as good as a true one
    formerr_edns        FORMERR to whoever sends EDNS            drop_edns     no answer to whoever sends EDNS
    no_aa               the answer without AA                    upward        a referral to the root
    wrong_id            another query id                         wrong_case    the question's case changed
    wrong_question      the answer to another name               truncate      TC and no data
    badcookie           BADCOOKIE until a server cookie comes    ede           `code`, with `rcode` (default SERVFAIL)
    malformed           the header, then nothing it promised     noise         bytes that are no message at all
    compact             NXDOMAIN told as RFC 9824 does            slow          `seconds` late
    cut                 half of the message, then the end (TCP)  data          `lines`: these answers instead
"""
import os
import selectors
import socket
import struct
import threading
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TCP_IDLE_S = 5
UPSTREAM_S = 5
ALIASES_MAX = 16
EDE = 15
RCODES = {"refused": dns.rcode.REFUSED, "servfail": dns.rcode.SERVFAIL, "notauth": dns.rcode.NOTAUTH,
          "formerr": dns.rcode.FORMERR, "notimp": dns.rcode.NOTIMP, "badvers": dns.rcode.BADVERS}


class Zone:
    """What one server holds of one zone: owner -> [(ttl, type, rdata)], without any check of sense."""

    def __init__(self, origin, lines):
        self.origin = dns.name.from_text(origin)
        self.nodes = {}
        for line in lines:
            owner, ttl, kind, data = line.split(None, 3)
            self.add(dns.name.from_text(owner), int(ttl), kind, data)

    def add(self, owner, ttl, kind, data):
        kind = dns.rdatatype.from_text(kind)
        rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, data, origin=dns.name.root, relativize=False)
        self.nodes.setdefault(owner, []).append((ttl, kind, rdata))

    def of_type(self, node, kind):
        return [record for record in node if record[1] == kind]

    def find(self, name):
        """(records or None where the name does not exist, wildcard included)."""
        if name in self.nodes:
            return self.nodes[name]
        if any(owner.is_subdomain(name) for owner in self.nodes):
            return []
        parent = name
        while parent != self.origin and parent.is_subdomain(self.origin):
            parent = parent.parent()
            star = dns.name.Name((b"*",) + parent.labels)
            if star in self.nodes:
                return self.nodes[star]
            if any(owner.is_subdomain(parent) for owner in self.nodes):
                return None
        return None

    def cut_above(self, name):
        """The delegation that the name is below of, or None."""
        while name != self.origin and name.is_subdomain(self.origin):
            if self.of_type(self.nodes.get(name, []), dns.rdatatype.NS):
                return name
            name = name.parent()
        return None


def rrsets(owner, records):
    """One RRset a record: dnspython would merge, or drop what a zone may not hold (two CNAMEs)."""
    return [dns.rrset.from_rdata(owner, ttl, rdata) for ttl, _, rdata in records]


def answer(zone, query):
    """What an honest server of the zone says."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.flags &= ~dns.flags.RA
    question = query.question[0]
    cut = zone.cut_above(question.name)
    if cut and not (cut == question.name and question.rdtype == dns.rdatatype.DS):
        reply.flags &= ~dns.flags.AA
        hosts = zone.of_type(zone.nodes[cut], dns.rdatatype.NS)
        reply.authority += rrsets(cut, hosts)
        for _, _, rdata in hosts:
            glue = zone.nodes.get(rdata.target, [])
            reply.additional += rrsets(rdata.target, [r for r in glue if r[1] in (dns.rdatatype.A, dns.rdatatype.AAAA)])
        return reply
    name = question.name
    for _ in range(ALIASES_MAX):
        node = zone.find(name) if name.is_subdomain(zone.origin) else []
        wanted = zone.of_type(node or [], question.rdtype)
        aliases = zone.of_type(node or [], dns.rdatatype.CNAME)
        if wanted:
            reply.answer += rrsets(name, wanted)
            return reply
        if not aliases:
            break
        reply.answer += rrsets(name, aliases)
        name = aliases[0][2].target
        if not name.is_subdomain(zone.origin) or any(r.name == name for r in reply.answer):
            return reply
    if node is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    reply.authority += rrsets(zone.origin, zone.of_type(zone.nodes.get(zone.origin, []), dns.rdatatype.SOA))
    return reply


def empty(query, rcode):
    reply = dns.message.make_response(query)
    reply.flags &= ~dns.flags.RA
    reply.set_rcode(rcode)
    return reply


def _edns_of(reply, options=()):
    if reply.edns < 0:
        reply.use_edns(0, payload=1232)
    reply.use_edns(0, 0, reply.payload or 1232, options=list(options))


def _cookie(query):
    return next((o for o in query.options if int(o.otype) == 10), None)


class Liar:
    def __init__(self, addresses, upstream=None):
        self.addresses = dict(addresses)
        self.upstream = upstream  # address of a resolver: then this is one too, and asks it
        self.zones = {}  # (address, origin name) -> Zone
        self.rules = {}  # origin name -> [rule]
        self.asked = []  # (address, name, type, tcp) as they came
        self.sockets = []
        self.faults = []  # our own mistakes; a lab that ends with some fails
        self.lock = threading.Lock()

    # --- what a test says ---

    def zone(self, origin, lines, addresses):
        for address in addresses:
            with self.lock:
                self.zones[address, dns.name.from_text(origin)] = Zone(origin, lines)

    def forget(self, origin):
        name = dns.name.from_text(origin)
        with self.lock:
            self.rules.pop(name, None)
            for key in [k for k in self.zones if k[1] == name]:
                del self.zones[key]

    def rule(self, origin, do, **limits):
        with self.lock:
            self.rules.setdefault(dns.name.from_text(origin), []).append({"do": do, **limits})

    def clear(self, origin):
        with self.lock:
            self.rules.pop(dns.name.from_text(origin), None)

    # --- sockets ---

    def start(self):
        self.selector = selectors.DefaultSelector()
        for address, tcp in self.addresses.items():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.bind((address, 53))
            self.selector.register(udp, selectors.EVENT_READ, (address, self._on_udp))
            self.sockets.append(udp)
            if tcp:
                listener = socket.socket(family, socket.SOCK_STREAM)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, 53))
                listener.listen(64)
                self.selector.register(listener, selectors.EVENT_READ, (address, self._on_tcp))
                self.sockets.append(listener)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            for key, _ in self.selector.select():
                address, handler = key.data
                try:
                    handler(key.fileobj, address)
                except Exception as error:  # noqa: BLE001 (a fault of ours must fail a test, not end the server)
                    self.faults.append(repr(error))

    def _on_udp(self, sock, address):
        wire, peer = sock.recvfrom(4096)
        arguments = (wire, address, False, lambda out: sock.sendto(out, peer))
        if self.upstream:
            threading.Thread(target=self._answer, args=arguments, daemon=True).start()
        else:
            self._answer(*arguments)

    def _on_tcp(self, listener, address):
        connection, _ = listener.accept()
        threading.Thread(target=self._stream, args=(connection, address), daemon=True).start()

    def _stream(self, connection, address):
        connection.settimeout(TCP_IDLE_S)
        with connection:
            try:
                while header := connection.recv(2, socket.MSG_WAITALL):
                    wire = connection.recv(struct.unpack("!H", header)[0], socket.MSG_WAITALL)
                    self._answer(wire, address, True, lambda out: self._send_tcp(connection, out))
            except (OSError, struct.error, EOFError):
                return

    @staticmethod
    def _send_tcp(connection, out):
        cut = isinstance(out, tuple)
        body = out[0] if cut else out
        data = struct.pack("!H", len(body)) + body
        connection.sendall(data[:len(data) // 2] if cut else data)
        if cut:
            raise EOFError

    # --- answering ---

    def _answer(self, wire, address, tcp, send):
        try:
            query = dns.message.from_wire(wire)
            name = query.question[0].name
        except (dns.exception.DNSException, IndexError):
            return
        with self.lock:
            origins = {o for a, o in self.zones if a == address} | (set(self.rules) if self.upstream else set())
            origin = max((o for o in origins if name.is_subdomain(o)), key=len, default=None)
            zone = self.zones.get((address, origin))
            rules = [r for r in self.rules.get(origin, []) if _applies(r, address, query, tcp)]
            self.asked.append((address, name.to_text(), dns.rdatatype.to_text(query.question[0].rdtype), tcp))
        reply = answer(zone, query) if zone else self._from_upstream(query)
        if tcp or not any(rule["do"] == "slow" for rule in rules):
            self._misbehave(rules, query, reply, tcp, send)
        else:
            threading.Thread(target=self._misbehave, args=(rules, query, reply, tcp, send), daemon=True).start()

    def _from_upstream(self, query):
        if self.upstream:
            try:
                reply, _ = dns.query.udp_with_fallback(query, self.upstream, timeout=UPSTREAM_S)
                return reply
            except (OSError, dns.exception.DNSException):
                return empty(query, dns.rcode.SERVFAIL)
        return empty(query, dns.rcode.REFUSED)

    @staticmethod
    def _misbehave(rules, query, reply, tcp, send):
        try:
            for rule in rules:
                reply = ACTIONS[rule["do"]](rule, query, reply, tcp)
                if reply is None:
                    return
                if not isinstance(reply, dns.message.Message):
                    break
            send(to_wire(query, reply, tcp) if isinstance(reply, dns.message.Message) else reply)
        except EOFError:
            raise
        except OSError:
            return


def to_wire(query, reply, tcp):
    room = 65535 if tcp else (max(512, query.payload) if query.edns >= 0 else 512)
    try:
        return reply.to_wire(max_size=room)
    except dns.exception.TooBig:
        reply.answer, reply.authority, reply.additional = [], [], []
        reply.flags |= dns.flags.TC
        return reply.to_wire(max_size=room)


def _applies(rule, address, query, tcp):
    question = query.question[0]
    if "name" in rule and question.name != dns.name.from_text(rule["name"]):
        return False
    if "below" in rule and not question.name.is_subdomain(dns.name.from_text(rule["below"])):
        return False
    if "type" in rule and dns.rdatatype.to_text(question.rdtype) not in rule["type"].split():
        return False
    return ("at" not in rule or address in rule["at"]) and ("tcp" not in rule or rule["tcp"] == tcp)


# --- what a rule does: (rule, query, reply, tcp) -> Message | bytes | (bytes,) to cut | None = silence ---

def do_rcode(rule, query, reply, tcp):
    return empty(query, RCODES[rule["do"]])


def do_nxdomain(rule, query, reply, tcp):
    """Of the server's own zone with AA and SOA, as the truth would come."""
    reply.answer = []
    reply.authority = [rrset for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA]
    reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


def do_drop(rule, query, reply, tcp):
    return None


def do_formerr_edns(rule, query, reply, tcp):
    if query.edns < 0:
        return reply
    bare = empty(query, dns.rcode.FORMERR)
    bare.use_edns(-1)
    return bare


def do_drop_edns(rule, query, reply, tcp):
    return None if query.edns >= 0 else reply


def do_no_aa(rule, query, reply, tcp):
    reply.flags &= ~dns.flags.AA
    return reply


def do_upward(rule, query, reply, tcp):
    up = empty(query, dns.rcode.NOERROR)
    up.authority.append(dns.rrset.from_text(".", 3600, "IN", "NS", "ns.root-servers.net."))
    return up


def do_wrong_id(rule, query, reply, tcp):
    wire = bytearray(to_wire(query, reply, tcp))
    wire[0] ^= 0x55
    return bytes(wire)


def do_wrong_case(rule, query, reply, tcp):
    question = reply.question[0]
    lower = dns.name.from_text(question.name.to_text().lower())
    reply.question = [dns.rrset.RRset(lower, question.rdclass, question.rdtype)]
    return reply


def do_wrong_question(rule, query, reply, tcp):
    question = reply.question[0]
    reply.question = [dns.rrset.RRset(dns.name.from_text("other.example."), question.rdclass, question.rdtype)]
    return reply


def do_truncate(rule, query, reply, tcp):
    reply.answer, reply.authority = [], []
    reply.flags |= dns.flags.TC
    return reply


def do_badcookie(rule, query, reply, tcp):
    cookie = _cookie(query)
    if cookie is None:
        return reply
    client = cookie.data[:8]
    full = dns.edns.GenericOption(10, client + b"lab-secret-16by!"[:8])
    if len(cookie.data) > 8 or tcp:
        _edns_of(reply, [full])
        return reply
    bad = empty(query, 23)
    _edns_of(bad, [full])
    bad.set_rcode(23)
    return bad


def do_ede(rule, query, reply, tcp):
    if "rcode" in rule or not rule.get("keep"):
        reply = empty(query, dns.rcode.from_text(rule.get("rcode", "servfail")))
    if query.edns >= 0:
        rcode = reply.rcode()
        _edns_of(reply, [dns.edns.GenericOption(EDE, struct.pack("!H", rule["code"]))])
        reply.set_rcode(rcode)
    return reply


def do_malformed(rule, query, reply, tcp):
    wire = bytearray(to_wire(query, empty(query, dns.rcode.NOERROR), tcp))
    wire[6:8] = struct.pack("!H", 9)  # nine answers are promised, none is there
    return bytes(wire)


def do_noise(rule, query, reply, tcp):
    return to_wire(query, reply, tcp)[:2] + os.urandom(40)


def do_compact(rule, query, reply, tcp):
    if reply.rcode() != dns.rcode.NXDOMAIN:
        return reply
    reply.set_rcode(dns.rcode.NOERROR)
    name = query.question[0].name
    following = dns.name.Name((b"\x00",) + name.labels)
    reply.authority.append(dns.rrset.from_text(name, 60, "IN", "NSEC", f"{following} RRSIG NSEC TYPE128"))
    return reply


def do_slow(rule, query, reply, tcp):
    time.sleep(rule["seconds"])
    return reply


def do_cut(rule, query, reply, tcp):
    return (to_wire(query, reply, tcp),) if tcp else reply


def do_data(rule, query, reply, tcp):
    reply.answer, reply.authority = [], []
    reply.set_rcode(dns.rcode.NOERROR)
    for line in rule["lines"]:
        owner, ttl, kind, data = line.split(None, 3)
        reply.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    return reply


ACTIONS = {name[3:]: function for name, function in globals().items() if name.startswith("do_")}
ACTIONS.update({name: do_rcode for name in RCODES})
