"""F32: forged replies, one for each of the 65,536 ids, are not accepted from anywhere but where the
question went, nor for anything but the question."""
import select
import socket
import threading

import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest

TRUTH, LIE = "the truth", "a forged record"


def reply_to(wire, text):
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA | dns.flags.RA
    question = query.question[0]
    reply.answer.append(dns.rrset.from_text(question.name, 300, "IN", question.rdtype, f'"{text}"'))
    return reply


def with_other_name(wire):
    query = dns.message.from_wire(wire)
    query.question[0].name = dns.name.from_text("x" + query.question[0].name.to_text()[1:])
    return query.to_wire()


class Forger:
    """The server asked, with a forger beside it that sees the query and its port, though not what it
    may send from. `wrong` says what the forger gets wrong: port, name, or (only) the id."""

    def __init__(self, wrong, tcp_answers):
        self.wrong, self.tcp_answers = wrong, tcp_answers
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind(("127.0.0.1", 0))
        self.tcp = None
        while self.tcp is None:
            self.udp.bind(("127.0.0.1", 0))
            self.tcp = self.listen()
        self.port = self.udp.getsockname()[1]
        self.sent = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.serve_udp)]
        if tcp_answers:
            self.threads.append(threading.Thread(target=self.serve_tcp))

    def listen(self):
        tcp = socket.socket()
        try:
            tcp.bind(self.udp.getsockname())
        except OSError:
            tcp.close()
            self.udp.close()
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            return None
        if self.tcp_answers:
            tcp.listen()
        return tcp

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for sock in (self.udp, self.other, self.tcp):
            sock.close()

    def flood(self, wire, asker):
        forged = bytearray(reply_to(with_other_name(wire) if self.wrong == "name" else wire, LIE).to_wire())
        source = self.other if self.wrong == "port" else self.udp
        real_id = wire[:2]
        for number in range(65536):
            forged[:2] = number.to_bytes(2, "big")
            if self.wrong == "id" and bytes(forged[:2]) == real_id:
                continue
            source.sendto(forged, asker)
            self.sent += 1

    def serve_udp(self):
        while not self.stopping.is_set():
            if not select.select([self.udp], [], [], 0.05)[0]:
                continue
            wire, asker = self.udp.recvfrom(4096)
            self.flood(wire, asker)

    def serve_tcp(self):
        while not self.stopping.is_set():
            if not select.select([self.tcp], [], [], 0.05)[0]:
                continue
            connection, _ = self.tcp.accept()
            with connection:
                connection.settimeout(10)
                wire = connection.recv(4096)
                answer = reply_to(wire[2:], TRUTH).to_wire()
                connection.sendall(len(answer).to_bytes(2, "big") + answer)


@pytest.mark.parametrize("wrong", ["port", "name", "id"])
def test_f32_forged_replies_are_not_accepted(probe, wrong):
    with Forger(wrong, tcp_answers=True) as forger:
        answer = probe("client.example", "TXT", forger.port, "--try-ms", "5000", "--total-ms", "20000")
    assert forger.sent >= 65535
    assert [record["text"] for record in answer["records"]] == [TRUTH]
    assert answer["tcp"] and answer["mismatches"] > 8


@pytest.mark.parametrize("wrong", ["port", "name", "id"])
def test_f32_without_tcp_nothing_is_known(probe, wrong):
    with Forger(wrong, tcp_answers=False) as forger:
        answer = probe("client.example", "TXT", forger.port, "--try-ms", "5000", "--total-ms", "20000")
    assert forger.sent >= 65535
    assert (answer["outcome"], answer["trouble"], answer["records"]) == ("unknown", "tcp_failed", [])
