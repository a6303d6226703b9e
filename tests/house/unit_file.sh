#!/bin/sh
# S1, S2: the systemd unit is well-formed and its exposure is at most 1.1.
# Usage: unit_file.sh SOURCE PROGRAM
set -eu
unit=$1/systemd/sesverify.service
program=$2

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: systemd-analyze is not installed (apt install systemd)"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The program need not be installed: it stands where it was built.
sed "s#^ExecStart=/usr/bin/sesverify#ExecStart=$program#" "$unit" >"$folder/sesverify.service"

said=$(systemd-analyze verify --man=no "$folder/sesverify.service" 2>&1) || {
    echo "systemd-analyze verify: $said"
    exit 1
}
[ -z "$said" ] || {
    echo "systemd-analyze verify: $said"
    exit 1
}
systemd-analyze security --offline=true --threshold=12 "$folder/sesverify.service" | tail -n 1
systemd-analyze security --offline=true --threshold=12 "$folder/sesverify.service" >/dev/null
