"""A program that takes events: the protocol of sv/exec_sink.h, kept and broken."""
import time

import pytest

from probe import event, run

PYTHON = "/usr/bin/python3"
HEAD = """
import json, os, signal, sys, time
seen = open(os.path.join(os.path.dirname(__file__), "seen"), "a", buffering=1)
def take():
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    it = json.loads(line)
    seen.write(it["id"] + "\\n")
    return it
def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
"""


class Program:
    def __init__(self, folder):
        self.folder = folder

    def write(self, body):
        path = self.folder / "program.py"
        path.write_text(HEAD + body)
        return f"{PYTHON} {path}"

    def seen(self):
        path = self.folder / "seen"
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def send(command, events, *options, **how):
    return run("exec", events, "--command", command, "--restart-ms", 20, *options, **how)


def test_a_program_takes_events(program):
    events = [event(n, note="Grüße 🦉") for n in range(1, 101)]
    command = program.write("while True: say('ok ' + take()['id'])")
    answers, _ = send(command, events)
    assert [a["outcome"] for a in answers] == ["delivered"] * 100
    assert program.seen() == [e["id"] for e in events]


def test_answers_in_any_order_and_of_any_kind(program):
    command = program.write("""
three = [take()['id'] for _ in range(3)]
say('refused ' + three[2] + ' no such thing')
say('later ' + three[1] + ' 3')
say('what is this')
say('ok nobody.waits.for.this')
say('ok ' + three[0])
take()
""")
    answers, log = send(command, [event(n) for n in (1, 2, 3)])
    assert [(a["id"][26], a["outcome"], a["retry_after_ms"]) for a in answers] == [
        ("3", "refused", 0), ("2", "later", 3000), ("1", "delivered", 0)]
    assert answers[1]["blame"] == "event"  # it holds back its own domain only
    assert "no such thing" in answers[0]["text"]
    assert "a line that is no answer" in log


def test_killed_in_the_middle_of_an_event(program):
    """The first run dies with the event in its hands: LATER, and the second run gets it again."""
    command = program.write("""
it = take()
if len(open(seen.name).read().split()) == 1: os.kill(os.getpid(), signal.SIGKILL)
say('ok ' + it['id'])
take()
""")
    answers, log = send(command, [event(5)], "--attempts", 3)
    assert [a["outcome"] for a in answers] == ["later", "delivered"]
    assert "signal 9" in answers[0]["text"] and "sink_program_ended" in log
    assert program.seen() == [event(5)["id"]] * 2


def test_what_it_said_before_it_ended_counts(program):
    command = program.write("""
first, second = take(), take()
say('ok ' + first['id'])
sys.exit(3)
""")
    answers, _ = send(command, [event(1), event(2)])
    assert {a["id"]: a["outcome"] for a in answers} == {event(1)["id"]: "delivered", event(2)["id"]: "later"}
    assert "exit code 3" in answers[1]["text"]


def test_a_program_that_does_not_answer_is_killed_with_its_children(program, tmp_path):
    command = program.write("""
child = os.fork()
open(os.path.join(os.path.dirname(__file__), "pids"), "a").write(f"{os.getpid()} ")
while True: time.sleep(1)
""")
    answers, log = send(command, [event()], "--timeout-ms", 500)
    assert answers[0]["outcome"] == "later" and "did not answer in time" in answers[0]["text"]
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.02)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("body,why", [
    ("os.close(1); time.sleep(60)", "closed its standard output"),
    ("sys.exit(0)", "exit code 0"),
    ("os.write(1, b'x' * 5000); time.sleep(60)", "a line without end"),
    ("os.close(0); time.sleep(60)", "did not answer in time"),
])
def test_every_end_is_later_slow(program, body, why):
    command = program.write("try:\n    " + body + "\nexcept OSError: pass\n")
    answers, log = send(command, [event(1), event(2)], "--timeout-ms", 1500)
    assert [a["outcome"] for a in answers] == ["later", "later"]
    assert all(why in a["text"] for a in answers), answers


def test_a_program_that_is_not_there(tmp_path):
    answers, _ = send(str(tmp_path / "nothing"), [event()], "--attempts", 3)
    assert [a["outcome"] for a in answers] == ["later"] * 3
    assert "cannot be started" in answers[0]["text"]
    waits = [a["retry_after_ms"] for a in answers]
    assert waits[0] >= 15 and waits[2] > waits[0]  # the pause grows
    assert {a["blame"] for a in answers} == {"target"}  # nothing can be taken meanwhile


def test_a_slow_reader_slows_only_itself_slow(program):
    """Two hundred large events into a program that reads one every now and then: all arrive, in order."""
    command = program.write("""
time.sleep(0.5)
while True:
    it = take()
    time.sleep(0.002)
    say('ok ' + it['id'])
""")
    events = [event(n, filler="x" * 16000) for n in range(1, 201)]
    answers, _ = send(command, events)
    assert [a["outcome"] for a in answers] == ["delivered"] * 200
    assert program.seen() == [e["id"] for e in events]


def test_an_answer_before_the_event_was_read_waits_for_the_write(program):
    """The bytes are ours until they are written: a program that answers blindly is not believed before that."""
    events = [event(n, filler="x" * 60000) for n in range(1, 13)]  # more than the socket takes
    blind = "".join(f"say('ok {it['id']}')\n" for it in events)
    answers, _ = send(program.write(blind + "time.sleep(60)"), events, "--timeout-ms", 500)
    assert [a["outcome"] for a in answers] == ["delivered"] * 12 and program.seen() == []


def test_an_event_of_several_lines_is_refused(program):
    one = {**event(), "body": "{\n}"}
    answers, _ = send(program.write("take()"), [one])
    assert answers[0]["outcome"] == "refused" and program.seen() == []


def test_a_close_lets_the_program_end_slow(program, tmp_path):
    command = program.write("""
def on_term(*_):
    open(os.path.join(os.path.dirname(__file__), "term"), "w").write("said goodbye")
    sys.exit(0)
signal.signal(signal.SIGTERM, on_term)
while True: take()
""")
    answers, _ = send(command, [event(n) for n in range(1, 6)], "--close-after-ms", 1000)
    assert [(a["outcome"], a["err"]) for a in answers] == [("later", "canceled")] * 5
    assert (tmp_path / "term").read_text() == "said goodbye"
    stubborn = program.write("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: take()\n")
    begun = time.monotonic()
    answers, _ = send(stubborn, [event(1)], "--close-after-ms", 500)
    assert answers[0]["outcome"] == "later" and time.monotonic() - begun < 20
