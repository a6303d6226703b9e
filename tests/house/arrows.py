#!/usr/bin/python3
"""The arrows of the house: every #include must point down, and never sideways between adapters or transports.

Usage: arrows.py SOURCE_DIR. A header of include/sv belongs to the layer of the source file of the same name, or to the layer
that layers.txt names. Exits 1 and lists every arrow that points the wrong way.
"""
import pathlib
import re
import sys

MAY_NAME = {
    "base": {"base", "words"},
    "words": {"base", "words"},
    "core": {"core", "base", "words"},
    "auth": {"auth", "base", "words"},
    "iface": {"iface", "base", "words"},
    "net": {"net", "base", "words"},
    "adapt": {"adapt", "iface", "net", "base", "words"},
    "drive": {"drive", "iface", "core", "auth", "base", "words"},
    "worker": {"worker", "drive", "adapt", "iface", "net", "core", "auth", "base", "words"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def layer_of_source(path):
    parts = path.parts
    return parts[1] if parts[0] == "lib" else parts[0]


def read_layers(root):
    layers = {}
    for source in sorted(root.glob("lib/**/*.c")):
        relative = source.relative_to(root)
        layers.setdefault(relative.stem + ".h", layer_of_source(relative))
    for line in (root / "tests/house/layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            header, layer = line.split()
            layers[header] = layer
    return layers


def main():
    root = pathlib.Path(sys.argv[1])
    layers = read_layers(root)
    faults, seen = [], 0
    files = [*root.glob("lib/**/*.[ch]"), *root.glob("worker/**/*.[ch]"), *root.glob("include/sv/*.h")]
    for path in sorted(files):
        relative = path.relative_to(root)
        if relative.parts[0] == "include":
            own = layers.get(path.name)
            if own is None:
                faults.append(f"{relative}: belongs to no layer: add it to tests/house/layers.txt")
                continue
        else:
            own = layer_of_source(relative)
        for name in INCLUDE.findall(path.read_text()):
            seen += 1
            if name.startswith("sv/"):
                target = layers.get(name[3:])
                if target is None:
                    faults.append(f"{relative}: {name} belongs to no layer")
                elif target not in MAY_NAME[own]:
                    faults.append(f"{relative} ({own}) must not know {name} ({target})")
            elif "/" in name:
                faults.append(f"{relative}: {name} reaches into another folder")
        folder = relative.parts[2] if len(relative.parts) > 3 and own in ("adapt", "net") else None
        if folder and own == "adapt":
            for name in INCLUDE.findall(path.read_text()):
                sibling = [p for p in root.glob("lib/adapt/*/" + pathlib.Path(name).stem + ".c") if p.parent.name != folder]
                if name.startswith("sv/") and sibling:
                    faults.append(f"{relative}: adapters must not know each other ({name})")
    if seen < 50:
        faults.append(f"only {seen} includes seen: this check looked at nothing")
    print("\n".join(faults) or f"{len(files)} files, {seen} includes: every arrow points down")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
