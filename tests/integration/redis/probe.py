"""redis_probe as an object: what it is told, and what it tells."""
import os
import queue
import subprocess
import threading
import time

PROBE = os.path.join(os.environ["SV_BINARY_DIR"], "tests/integration/redis/redis_probe")
WAIT_SECONDS = 30  # the longest pause before a connection is tried is 10 s; the rest is for a busy machine


class Probe:
    """redis_probe and the lines it prints."""

    def __init__(self, url, command_ms=5000, **more):
        words = [PROBE, url, str(command_ms), *(f"{key}={value}" for key, value in more.items() if value is not None)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        self.end()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, start):
        """The next line that begins with `start`; the others are kept in `seen`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no '{start}' after {self.seen}") from None
            self.seen.append(line[:200])
            if line.startswith(start):
                return line

    def ask(self, command, deadline_ms=0):
        self.say(f"q {deadline_ms} {command}")
        return self.wait("q ")[2:]

    def end(self):
        """Closing is clean: nothing leaks, the loop has no handle left."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        code = self.process.wait(WAIT_SECONDS)
        self.reader.join()
        errors = self.process.stderr.read()
        assert code in (0, -9) and errors == "", errors
