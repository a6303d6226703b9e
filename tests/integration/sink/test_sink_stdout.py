"""Events as lines on standard output."""
import fcntl
import json
import os
import subprocess

from probe import event, program, run


def lines_of(events):
    return "".join(json.dumps(e) + "\n" for e in events)


def test_lines_into_a_pipe():
    events = [event(n, filler="x" * 20000) for n in range(1, 51)]
    answers, out = run("stdout", events)
    assert [a["outcome"] for a in answers] == ["delivered"] * 50
    assert out.splitlines() == [e["body"] for e in events]


def test_lines_into_a_file_behind_what_is_there(tmp_path):
    path = tmp_path / "events"
    path.write_text("before\n")
    with open(path, "a", encoding="utf-8") as file:
        done = subprocess.run([program(), "stdout"], input=lines_of([event(1), event(2)]), stdout=file,
                              stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=True)
    assert [json.loads(line)["outcome"] for line in done.stderr.splitlines()] == ["delivered"] * 2
    assert path.read_text().splitlines() == ["before", event(1)["body"], event(2)["body"]]


def test_a_reader_that_is_gone_makes_it_later():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([program(), "stdout"], input=lines_of([event()]), stdout=write, stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=60, check=True)
    os.close(write)
    assert json.loads(done.stderr)["outcome"] == "later" and "Broken pipe" in done.stderr


def test_a_full_disk_makes_it_later():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([program(), "stdout"], input=lines_of([event()]), stdout=full, stderr=subprocess.PIPE,
                              encoding="utf-8", timeout=60, check=True)
    it = json.loads(done.stderr)
    assert (it["outcome"], it["err"]) == ("later", "full")


def test_a_reader_that_does_not_read_holds_up_nothing_else():
    """The pipe is full; the loop turns, so the sink can be closed; and the descriptor is left as it was."""
    read, write = os.pipe()
    flags = fcntl.fcntl(write, fcntl.F_GETFL)
    events = [event(n, filler="x" * 30000) for n in range(1, 11)]
    done = subprocess.run([program(), "stdout", "--close-after-ms", "300"], input=lines_of(events), stdout=write,
                          stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=True)
    assert fcntl.fcntl(write, fcntl.F_GETFL) == flags
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as pipe:
        whole = pipe.read().split("\n")
    answers = [json.loads(line) for line in done.stderr.splitlines()]
    delivered = [a for a in answers if a["outcome"] == "delivered"]
    assert len(answers) == 10 and 1 <= len(delivered) < 10
    assert whole[:len(delivered)] == [e["body"] for e in events[:len(delivered)]]
