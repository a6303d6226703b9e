#!/usr/bin/python3
"""The arrows of the house: every #include points down, and never sideways between adapters or between transports.

Usage: arrows.py SOURCE_DIR. A header of include/sv belongs to the folder of the source file of the same name, or to the
layer that layers.txt names. Exits 1 and lists every arrow that points the wrong way.
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
# Neighbours of one layer that may know each other: a signature covers a request, so aws speaks http's words.
SIDEWAYS = {("net/aws", "net/http")}
# The folders that speak a foreign library; the worker names all of them, for the versions it prints.
SPEAKS = {
    "curl/": {"net/http"},
    "expat.h": {"adapt/ses", "net/aws"},
    "hiredis/": {"net/redis"},
    "idn2.h": {"base"},
    "jansson.h": {"base", "adapt/ses", "drive"},
    "ldns/": {"net/dns"},
    "libpsl.h": {"base"},
    "openssl/": {"base", "auth", "net"},
    "uv.h": {"net", "adapt", "drive", "iface"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def home_of_source(path):
    """("net", "net/dns") for lib/net/dns/tcp.c, ("core", "core") for lib/core/gcra.c."""
    parts = path.parts[1:-1] if path.parts[0] == "lib" else path.parts[:1]
    return parts[0], "/".join(parts[:2])


def read_homes(root):
    """The home of each header; a header whose name several layers use must be in layers.txt."""
    homes = {}
    for source in sorted(root.glob("lib/**/*.c")):
        header, home = source.stem + ".h", home_of_source(source.relative_to(root))
        known = homes.get(header, home)
        homes[header] = home if known and known[0] == home[0] else None
    for line in (root / "tests/house/layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            header, layer = line.split()
            known = homes.get(header)
            homes[header] = known if known and known[0] == layer else (layer, layer)
    return homes


def fault_of_ours(own, target):
    layer, folder = own
    if target is None:
        return "which belongs to no layer"
    if target[0] not in MAY_NAME[layer]:
        return f"({folder} must not know {target[0]})"
    if layer in ("net", "adapt") and target[0] == layer and target[1] != folder and (folder, target[1]) not in SIDEWAYS:
        return f"({folder} must not know its neighbour {target[1]})"
    return None


def fault_of_foreign(own, name):
    for library, folders in SPEAKS.items():
        if name.startswith(library) and own[0] != "worker" and not folders & set(own):
            return f"({own[1]} does not speak it)"
    return None


def fault_of(path, own, name, quoted, homes):
    if name.startswith("sv/"):
        return fault_of_ours(own, homes.get(name[3:]))
    if not quoted:
        return fault_of_foreign(own, name)
    if "/" in name:
        return "which reaches into another folder"
    return None if (path.parent / name).exists() else "which is not in its folder"


def main():
    root = pathlib.Path(sys.argv[1])
    homes = read_homes(root)
    faults, seen = [], 0
    files = [*root.glob("lib/**/*.[ch]"), *root.glob("worker/**/*.[ch]"), *root.glob("include/sv/*.h")]
    for path in sorted(files):
        relative = path.relative_to(root)
        own = homes.get(path.name) if relative.parts[0] == "include" else home_of_source(relative)
        if own is None:
            faults.append(f"{relative} belongs to no layer: add it to tests/house/layers.txt")
            continue
        for quoted, angled in INCLUDE.findall(path.read_text()):
            seen += 1
            fault = fault_of(path, own, quoted or angled, bool(quoted), homes)
            if fault:
                faults.append(f"{relative} names {quoted or angled}, {fault}".replace(", (", " ("))
    if seen < 50:
        faults.append(f"only {seen} includes seen: this check looked at nothing")
    print("\n".join(faults) or f"{len(files)} files, {seen} includes: every arrow points down")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
