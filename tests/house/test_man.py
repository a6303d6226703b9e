"""The man pages say what the program says: commands, options, settings, exit codes.

`python3 tests/house/test_man.py --write` renews the generated parts (between `; generated: NAME` and `; end`)."""
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_docs import ROOT, commands, exit_codes, program, settings, told  # noqa: E402

PAGES = sorted((ROOT / "docs" / "man").glob("*.scd"))
GENERATED = re.compile(r"^; generated: ([a-z-]+)\n(.*?)^; end\n", re.S | re.M)


def inline(text):
    """Text in which nothing means something to scdoc, inside a line."""
    return re.sub(r"([\\*_`<>|~])", r"\\\1", text)


def safe(text):
    """The same for a whole line."""
    return re.sub(r"^([#;\-.\[])", r"\\\1", inline(text))


def help_parts(command):
    """(usage operands, details, [(option, help)], [example])"""
    text = program(*command.split(), "--help")
    usage = re.search(r"^Usage: sesverify (.*) \[options\]$", text, re.M).group(1)
    middle = text.split("[options]\n", 1)[1].split("\nOptions:\n")[0].strip()
    options = text.split("\nOptions:\n")[1].split("\n\n")[0]
    examples = text.split("\nExamples:\n")[1]
    return (usage[len(command):].strip(), middle, re.findall(r"^  (--\S+(?: \S+)?) {2,}(.*)$", options, re.M),
            [line.strip() for line in examples.splitlines() if line.strip()])


def paragraph(text):
    return "\n".join(safe(line) for line in text.splitlines()) + "\n\n" if text else ""


def option_list(options):
    out = ""
    for option, text in options:
        name, _, value = option.partition(" ")
        out += f"*{inline(name)}*{' _' + inline(value) + '_' if value else ''}\n\t{safe(text)}\n\n"
    return out


def write_commands():
    out = ""
    for command, summary in commands().items():
        operands, details, options, _ = help_parts(command)
        if command == "check":
            details, options = "See *sesverify-check*(1).", []
            text = details + "\n\n"
        else:
            text = paragraph(details)
        out += f"## sesverify {command}{' ' + inline(operands) if operands else ''}\n\n{safe(summary[0].upper() + summary[1:])}.\n\n{text}"
        out += option_list([pair for pair in options if pair[0] != "--help"])
    return out


def write_exit_codes():
    rows = re.findall(r"^\| `(\d+)` \| (.*?) \|", told("running.md").split("## Exit codes")[1].split("\n## ")[0], re.M)
    assert {code for code, _ in rows} == set(exit_codes().values())
    return "".join(f"*{code}*\n\t{safe(text.replace('`', ''))}\n\n" for code, text in rows)


def write_settings():
    out, before = "", None
    for (section, key), (text, kind, value) in settings().items():
        if section != before:
            out += f"## [{section}{' NAME' if named(section) else ''}]\n\n"
            before = section
        out += f"*{inline(key)}*{' = ' + inline(value) if value else ''}\n\t{safe(text)}++\n_{inline(kind)}_\n\n"
    return out


def named(section):
    return re.search(rf"^(# )?\[{section} default\]|^(# )?\[{section} NAME\]", program("config", "defaults"), re.M) is not None


GENERATORS = {
    "commands": write_commands,
    "exit-codes": write_exit_codes,
    "settings": write_settings,
    "check-details": lambda: paragraph(help_parts("check")[1]),
    "check-options": lambda: option_list(help_parts("check")[2]),
    "check-examples": lambda: "```\n" + "\n".join(help_parts("check")[3]) + "\n```\n\n",
}


def renewed(text):
    return GENERATED.sub(lambda m: f"; generated: {m.group(1)}\n{GENERATORS[m.group(1)]()}; end\n", text)


def rendered(path):
    """The page as a reader sees it."""
    roff = subprocess.run(["scdoc"], stdin=path.open(), capture_output=True, check=True)
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-rLL=2000n", "-rHY=0", "-P-cbou"], input=roff.stdout, capture_output=True, check=True)
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_parts(path):
    assert renewed(path.read_text()) == path.read_text(), "run tests/house/test_man.py --write"
    assert GENERATED.search(path.read_text())


@pytest.mark.skipif(not (shutil.which("scdoc") and shutil.which("groff")), reason="scdoc and groff are not here")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_can_be_read(path):
    """scdoc and groff take them without a word, and nothing of the text is lost on the way."""
    text = re.sub(r"\s+", " ", rendered(path).replace("\u2010", "-").replace("\u2212", "-").replace("\u00b4", "'"))
    if path.name == "sesverify.8.scd":
        for command in commands():
            assert f"sesverify {command}" in text
            options = [] if command == "check" else help_parts(command)[2]
            for option, said in options:
                assert option == "--help" or f"{option} {said}" in text, (command, option)
    if path.name == "sesverify.conf.5.scd":
        for (section, key), (said, kind, value) in settings().items():
            assert f"{key}{' = ' + value if value else ''} " in text and said in text, (section, key)
    if path.name == "sesverify-check.1.scd":
        for option, said in help_parts("check")[2]:
            assert f"{option} {said}" in text


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for page in PAGES:
        fresh = renewed(page.read_text())
        if fresh != page.read_text():
            page.write_text(fresh)
            print(f"wrote {page.relative_to(ROOT)}")
