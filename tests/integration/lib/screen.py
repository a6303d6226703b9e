"""A terminal: a program in a pseudo-terminal, and what it shows there, cell by cell. Knows the few sequences that our
programs use, and fails on all others."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    def __init__(self, words, environment, columns, rows, lenient=False):
        self.lenient = lenient  # keeps what comes in `raw`, and draws nothing
        self.columns, self.rows = columns, rows
        self.ours, self.theirs = pty.openpty()
        self.resize(columns, rows)
        self.modes_before = termios.tcgetattr(self.theirs)
        self.process = subprocess.Popen(words, env={"TERM": "xterm", **environment}, stdin=self.theirs, stdout=self.theirs,
                                        stderr=subprocess.PIPE, start_new_session=True, preexec_fn=self._adopt)
        self.raw = ""
        self.alternate = self.ever_alternate = False
        self.cursor = True
        self.clear()
        self.bytes = b""

    def _adopt(self):
        """In the child: the pseudo-terminal is its controlling one, so that keys make signals."""
        fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.x = self.y = 0

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.clear()

    def modes(self):
        return termios.tcgetattr(self.theirs)

    def type(self, text):
        os.write(self.ours, text.encode())

    def signal(self, number):
        self.process.send_signal(number)

    # --- what is shown ---

    def _sequence(self, arguments, letter):
        if letter == "H" and arguments == "":
            self.x = self.y = 0
        elif letter == "K" and arguments == "":
            self.cells[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif letter == "J" and arguments == "":
            self._sequence("", "K")
            for row in range(self.y + 1, self.rows):
                self.cells[row] = [" "] * self.columns
        elif letter in "hl" and arguments == "?1049":
            self.alternate = letter == "h"
            self.ever_alternate = self.ever_alternate or self.alternate
            self.clear()
        elif letter in "hl" and arguments == "?25":
            self.cursor = letter == "h"
        elif letter != "m":
            raise AssertionError(f"a sequence this terminal does not know: ESC [ {arguments}{letter}")

    def _feed(self, text):
        at = len(text) if self.lenient else 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                self._sequence(*found.groups())
                at = found.end()
                continue
            char = text[at]
            at += 1
            if char == "\r":
                self.x = 0
            elif char == "\n":
                self.y += 1
                assert self.y < self.rows, "the frame is higher than the terminal: it would scroll"
            else:
                assert char >= " ", f"a control character: {char!r}"
                assert self.x < self.columns, f"line {self.y} is wider than the terminal: {self.text()}"
                self.cells[self.y][self.x] = char
                self.x += 1

    def read(self, seconds):
        """Takes what comes within so many seconds; False at the end of the program."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.ours], [], [], left)[0]:
                break
            self.bytes += os.read(self.ours, 65536)
            try:
                text, self.bytes = self.bytes.decode(), b""
            except UnicodeDecodeError:
                continue  # the rest of a character is on its way
            cut = text.rfind("\x1b") if re.search(r"\x1b\[?[?0-9;]*$", text) else len(text)
            self.bytes = text[cut:].encode()
            self.raw += text[:cut]
            self._feed(text[:cut])
        return self.process.poll() is None

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells).rstrip()

    def wait(self, find, deadline_s=30):
        """Until find(text) is true; the text."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            going = self.read(0.1)
            if find(self.text()):
                return self.text()
            assert going, f"it ended: {self.process.stderr.read().decode()}"
        raise AssertionError(f"not shown in time:\n{self.text()}")

    def ends(self, deadline_s=30):
        """Waits for the end; the exit code."""
        end = time.monotonic() + deadline_s
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        self.read(0.2)
        return self.process.wait(1)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process.stderr.close()
        os.close(self.ours)
        os.close(self.theirs)
