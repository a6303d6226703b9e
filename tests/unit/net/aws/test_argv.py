"""Splits random command lines with our splitter and with Python's shlex, which is what botocore runs
credential_process with, and compares. Usage: test_argv.py PROGRAM [SEED [COUNT]]"""
import random
import shlex
import subprocess
import sys

program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
print(f"seed {seed}")
source = random.Random(seed)
refused = 0
for _ in range(count):
    command = "".join(source.choice("aab \t'\"\\$;#") for _ in range(source.randrange(1, 24)))
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    wanted = "".join(f"{len(word)}:{word}," for word in words) if words and words[0] else "refused\n"
    refused += wanted == "refused\n"
    given = subprocess.run([program, command], capture_output=True, text=True, check=True, timeout=60).stdout
    assert given == wanted, (command, given, wanted)
assert 0 < refused < count
print(f"{count} command lines split alike, {refused} of them refused")
