#!/usr/bin/python3
"""Every check of the house must be able to fail: breaks a copy of the tree in one place at a time and wants to see red.

Usage: can_fail.py SOURCE_DIR CMAKE NM AR COMPILER
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

PYTHON = sys.executable
LONG_FUNCTION = "int sv_long(int a);\nint sv_long(int a)\n{\n" + "    a++;\n" * 68 + "    return a;\n}\n"
BREAKS = [  # check, file, text put before the file's first line, a word of the complaint
    ("arrows", "lib/net/redis/redis.c", '#include "sv/dns.h"', "neighbour net/dns"),
    ("arrows", "lib/net/http/http.c", '#include "sv/sigv4.h"', "neighbour net/aws"),
    ("arrows", "lib/adapt/ses/aws_ses.c", '#include "sv/redis_store.h"', "neighbour adapt/store"),
    ("arrows", "lib/adapt/dns/flights.c", "#include <sv/domain.h>", "must not know core"),
    ("arrows", "lib/adapt/dns/flights.c", '#include "../store/inner.h"', "reaches into another folder"),
    ("arrows", "lib/drive/drive.c", '#include "sv/redis_store.h"', "must not know adapt"),
    ("arrows", "lib/core/gcra.c", "#include <uv.h>", "does not speak it"),
    ("arrows", "include/sv/store.h", '#include "sv/domain.h"', "must not know core"),
    ("format", "lib/core/gcra.c", "int  sv_x;", "lib/core/gcra.c:1:4"),
    ("sizes", "lib/core/gcra.c", LONG_FUNCTION, "sv_long has"),
    ("sizes", "lib/core/gcra.c", "\n" * 600, "gcra.c has more than 600"),
    ("sizes", "include/sv/time.h", "\n" * 350, "time.h has more than 350"),
    ("headers", "include/sv/time.h", "struct sv_x { size_t n; };", "does not stand alone"),
    ("pure", "lib/core/gcra.c", "#include <time.h>\ntime_t sv_x(void);\ntime_t sv_x(void) { return time(0); }", "time"),
]


def command_of(check, tree, tools):
    house = tree / "tests/house"
    if check == "arrows":
        return [PYTHON, house / "arrows.py", tree]
    if check == "headers":
        return [house / "headers.sh", tree, tools["cc"]]
    if check in ("format", "sizes"):
        return [house / ("format.sh" if check == "format" else "size.sh"), tree]
    archive = tree / "broken.a"
    subprocess.run([tools["cc"], "-std=c17", "-c", "-I", tree / "include", tree / "lib/core/gcra.c", "-o", tree / "gcra.o"],
                   check=True)
    subprocess.run([tools["ar"], "rcs", archive, tree / "gcra.o"], check=True)
    return [tools["cmake"], f"-DNM={tools['nm']}", f"-DARCHIVE={archive}", "-P", house / "pure.cmake"]


def run(check, tree, tools):
    done = subprocess.run(command_of(check, tree, tools), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    source = pathlib.Path(sys.argv[1])
    tools = dict(zip(("cmake", "nm", "ar", "cc"), sys.argv[2:]))
    faults = []
    with tempfile.TemporaryDirectory(prefix="sv-house-") as folder:
        tree = pathlib.Path(folder)
        for name in ("lib", "worker", "include", "tests/house", "tests/unit"):
            shutil.copytree(source / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(source / ".clang-format", tree)
        for check, name, text, word in BREAKS:
            path = tree / name
            before = path.read_text()
            path.write_text(text + "\n" + before)
            code, said = run(check, tree, tools)
            path.write_text(before)
            if code == 0 or word not in said:
                faults.append(f"{check} does not see {text[:60]!r} in {name} (exit {code}): {said[-400:]}")
    print("\n".join(faults) or f"{len(BREAKS)} breaks, every one seen")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
