"""Removing a detector turns exactly its test red: the calls that report a code are taken out of a copy of the sources, the
program is built again, and the whole table of test_codes.py has to fail for that code and for no other.

Several are taken out together, so that few tables are run: each code in two of the rounds, no two codes in the same two. A
round has to be red for exactly its codes. So for any two codes there is a round without the one in which the other's test is
red, and one the other way round: no code's test hangs on another's detector, and all are green where their detectors stand.

    mutants.py [CODE...]        default: the ten below; the last line is `N passed, N failed`"""
import argparse
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
CODES = ["dns_partly_lame", "dns_subzone_delegated", "dns_ttl_too_long", "dns_cname_other_data", "dkim_key_missing_at_target",
         "mailfrom_is_cname", "mailfrom_not_subdomain", "spf_all_missing", "dmarc_psd_flag", "dmarc_rua_missing"]
REPORTERS = "sv_judge_find|sv_judge_find_shared|sv_dmarc_find|find_hosts|find"
TABLE = ROOT / "tests/integration/truth/test_codes.py"
SKIPPED = 77


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def copy_tree(folder):
    names = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard").stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


class Copy:
    """The sources elsewhere, and what was built of them."""

    def __init__(self, folder):
        self.folder = folder
        copy_tree(folder)
        # The prefix keeps the copy's macros, paths and options those of the real build.
        done = run("cmake", "--preset", "debug", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    def build(self):
        done = run("cmake", "--build", "--preset", "debug", "--target", "sesverify", cwd=self.folder)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr

    def table(self, codes=()):
        """Runs the table, or some of it; the codes whose test fails."""
        environment = {**os.environ, "SV_BINARY_DIR": str(self.folder / "build" / "debug")}
        tests = [f"{TABLE}::test_code[{code}]" for code in sorted(codes)] or [TABLE]
        done = run(sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=line", "-rfE", *tests, env=environment)
        if done.returncode == SKIPPED:
            print(done.stdout)
            sys.exit(SKIPPED)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        self.said = done.stdout
        return set(re.findall(r"^(?:FAILED|ERROR) \S+\[(\w+)\]", done.stdout, re.M))

    def red(self, expected):
        """The codes whose test fails; asked again if they are not the expected ones, since a busy machine may cost a deadline."""
        failed = self.table()
        return failed if failed == expected else failed and self.table(failed)

    def without(self, code):
        """Takes the reports of one code out."""
        enumerator = f"SV_F_{code.upper()}"
        changes = 0
        for path in sorted((self.folder / "lib/auth").glob("*.c")):
            text = path.read_text()
            changed = re.sub(r"((?:\(void\))?\b(?:" + REPORTERS + r")\((?:[^;{}()]*,\s*)?" + enumerator + r"\b)", r"if (0) \1", text)
            if changed != text:
                changes += 1
                path.write_text(changed)
        assert changes, f"no call reports {enumerator}"

    def restore(self):
        for path in (self.folder / "lib/auth").glob("*.c"):
            original = (ROOT / "lib/auth" / path.name).read_text()
            if path.read_text() != original:
                path.write_text(original)


def rounds_of(codes):
    """The codes of each round."""
    count = next(n for n in itertools.count(3) if n * (n - 1) // 2 >= len(codes))
    rounds = [set() for _ in range(count)]
    for code, pair in zip(codes, itertools.combinations(range(count), 2)):
        for at in pair:
            rounds[at].add(code)
    return rounds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("codes", nargs="*")
    codes = parser.parse_args().codes or CODES
    wrong = set()
    with tempfile.TemporaryDirectory(prefix="sv-mutants-") as name:
        copy = Copy(pathlib.Path(name))
        for expected in rounds_of(codes):
            for code in sorted(expected):
                copy.without(code)
            copy.build()
            red = copy.red(expected)
            copy.restore()
            wrong |= red ^ expected
            print(f"{'ok' if red == expected else 'FAILED'}: without {sorted(expected)} red are {sorted(red)}", flush=True)
    failed = len(wrong)
    print(f"{len(set(codes) - wrong)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
