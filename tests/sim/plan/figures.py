"""The figures of docs/planning.md are what sv_plan_sim prints, with sweeps and without: figures.py PROGRAM [--write]"""
import pathlib
import subprocess
import sys

DOC = pathlib.Path(__file__).resolve().parents[3] / "docs/planning.md"
HEADS = (("10 account-regions", []), ("| from SES's change to our read of it", ["--sweep-every", "0"]))


def printed(program, words):
    """Without sweeps only the last table is shown: the others hardly differ."""
    out = subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout.strip()
    return out[out.rindex(HEADS[1][0]):] if words else out


def main():
    text = DOC.read_text()
    start = text.index(HEADS[0][0])
    middle = text.index("\n\nThe same without sweeps", start)
    second = text.index(HEADS[1][0], middle)
    end = text.index("\n\nHow to read it:", second)
    fresh = text[:start] + printed(sys.argv[1], HEADS[0][1]) + text[middle:second] + printed(sys.argv[1], HEADS[1][1]) + text[end:]
    if "--write" in sys.argv:
        DOC.write_text(fresh)
    elif fresh != text:
        print(f"{DOC.name} holds other figures than the program prints: run {sys.argv[0]} PROGRAM --write")
        return 1
    print("the figures are fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
