"""`sesverify completion`, loaded into the real shells: what they offer is what the program knows."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from screen import Screen  # noqa: E402
from world import worker_program  # noqa: E402

DEADLINE_S = 60
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TERM": "xterm"}


def program(*words):
    done = subprocess.run([worker_program(), *words], capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    return done.returncode, done.stdout, done.stderr


def commands():
    text = program("--help")[1].split("Commands:\n")[1].split("\n\n")[0]
    return [re.split(r"  +", line.strip())[0] for line in text.splitlines()]


def options(command):
    text = program(*command.split(), "--help")[1].split("Options:\n")[1].split("\n\n")[0]
    return {word for line in text.splitlines() for word in re.findall(r"^  (--[a-z-]+)", line)}


def settings():
    """section.key of all but the sections that come by name."""
    found, section = set(), None
    for line in program("config", "defaults")[1].splitlines():
        header = re.match(r"(?:# )?\[([a-z]+)( [^\]]*)?\]$", line)
        entry = re.match(r"(?:# )?([a-z_]+) =( |$)", line)
        if header:
            section = None if header.group(2) else header.group(1)
        elif entry and section:
            found.add(f"{section}.{entry.group(1)}")
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        code, text, trouble = program("completion", shell)
        assert (code, trouble) == (0, "")
        (folder / shell).write_text(text)
    (folder / "_sesverify").write_text((folder / "zsh").read_text())
    (folder / "a-file.conf").write_text("")
    return folder


def bash(scripts, line):
    """As readline calls it: words split at blanks and at =."""
    words = re.findall(r"=|[^\s=]+", line) + ([""] if line.endswith(" ") else [])
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "--norc", "-c", f"source ./bash; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _sesverify; "
         'printf "%s\\n" "${COMPREPLY[@]}"'], cwd=scripts, env=ENVIRONMENT, capture_output=True, text=True, check=True,
        timeout=DEADLINE_S)
    assert done.stderr == ""
    return set(filter(None, done.stdout.split("\n")))


def fish(scripts, line):
    done = subprocess.run(["fish", "--no-config", "-c", f"source ./fish; complete -C '{line}'"], cwd=scripts,
                          env={**ENVIRONMENT, "HOME": str(scripts)}, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert done.stderr == ""
    return {text.split("\t")[0] for text in done.stdout.splitlines()}


SHELLS = [pytest.param(bash, id="bash"), pytest.param(fish, id="fish")]


@pytest.mark.parametrize("offers", SHELLS)
def test_every_command(scripts, offers):
    assert {command.split()[0] for command in commands()} <= offers(scripts, "sesverify ")
    for group in {command.split()[0] for command in commands() if " " in command}:
        assert offers(scripts, f"sesverify {group} ") == {c.split()[1] for c in commands() if c.startswith(group + " ")}
    assert offers(scripts, "sesverify ev") == {"events"}


@pytest.mark.parametrize("offers", SHELLS)
def test_every_option(scripts, offers):
    for command in commands():
        assert offers(scripts, f"sesverify {command} --") == options(command), command


@pytest.mark.parametrize("offers", SHELLS)
def test_choices(scripts, offers):
    assert offers(scripts, "sesverify enqueue re") == {"register", "recheck", "remove"}
    assert offers(scripts, "sesverify completion ") == {"bash", "zsh", "fish"}
    assert offers(scripts, "sesverify status --client ") == set()
    assert "a-file.conf" in offers(scripts, "sesverify run --config a-")
    assert {"log.level=debug", "log.level=info"} <= offers(scripts, "sesverify run --set log.level=") or \
        offers(scripts, "sesverify run --set log.level=") == {"error", "warn", "info", "debug"}
    names = {word.split("=")[0] for word in offers(scripts, "sesverify run --set ")}
    assert settings() - {"redis.password"} <= names and "redis.password" not in names


def test_bash_settings_behind_equals(scripts):
    assert bash(scripts, "sesverify run --set=log.f") == {"log.format="}
    assert bash(scripts, "sesverify run --set log.level=d") == {"debug"}
    assert bash(scripts, "sesverify run --set status.domains=") == {"true", "false"}
    assert bash(scripts, "sesverify nothing ") == set()


def test_zsh(scripts):
    """Typed into a real zsh."""
    screen = Screen(["zsh", "-f", "-i"], {**ENVIRONMENT, "HOME": str(scripts), "PS1": "> ", "ZDOTDIR": str(scripts)}, 160, 50,
                    lenient=True)
    try:
        screen.type(f"unsetopt prompt_sp zle_bracketed_paste; cd {scripts}; fpath=($PWD $fpath); autoload -Uz compinit; "
                    "compinit -u -D; echo rea''dy\n")
        screen.wait(lambda _: "ready" in screen.raw)
        for typed, shown in (("sesverify ev\t", "sesverify events"), ("sesverify enqueue reg\t", "sesverify enqueue register"),
                             ("sesverify events t\t", "sesverify events tail"), ("sesverify top --onc\t", "sesverify top --once"),
                             ("sesverify completion f\t", "sesverify completion fish"),
                             ("sesverify run --set log.le\t", "log.level="), ("sesverify run --set log.level=de\t", "log.level=debug"),
                             ("sesverify run --config a-f\t", "a-file.conf"),
                             ("sesverify status --\t", "only this client's domains"), ("sesverify d\t", "hold what is kept")):
            screen.raw = ""
            screen.type(typed)
            screen.wait(lambda _, shown=shown: shown in re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|[\r\x07\x08]", "", screen.raw))
            screen.type("\x15")
        assert "error" not in screen.raw.lower()
    finally:
        screen.close()


def test_shells_are_there():
    assert all(map(shutil.which, ("bash", "zsh", "fish")))


def test_other_shells():
    code, out, said = program("completion", "bsah")
    assert (code, out) == (64, "") and "did you mean 'bash'?" in said
    assert program("completion", "powershell")[0] == 64 and program("completion")[0] == 64
