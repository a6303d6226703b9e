#!/bin/sh
# S1, S2: the systemd units are well-formed and their exposure is at most 1.1; the template differs from the unit only
# where an instance has something of its own; the status port is one that the unit lets us have.
# Usage: unit_file.sh SOURCE PROGRAM
set -eu
source=$1/systemd
program=$2

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: systemd-analyze is not installed (apt install systemd)"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() { # FILE NAME
    # The program need not be installed: it stands where it was built.
    sed "s#^ExecStart=/usr/bin/sesverify#ExecStart=$program#" "$source/$1" >"$folder/$2"
    said=$(systemd-analyze verify --man=no "$folder/$2" 2>&1) || {
        echo "systemd-analyze verify $1: $said"
        exit 1
    }
    [ -z "$said" ] || {
        echo "systemd-analyze verify $1: $said"
        exit 1
    }
    systemd-analyze security --offline=true --threshold=12 "$folder/$2" >"$folder/says" || {
        tail -n 1 "$folder/says"
        exit 1
    }
    tail -n 1 "$folder/says"
}
check sesverify.service sesverify.service
check sesverify@.service sesverify@one.service

# The drop-in is an example, and must be right as it stands.
mkdir "$folder/sesverify.service.d"
cp "$source/sesverify.service.d/secrets.conf.example" "$folder/sesverify.service.d/secrets.conf"
check sesverify.service sesverify.service

# What an instance has of its own is replaced by what the unit has; nothing may differ then.
settings() {
    sed -e '/^#/d' -e '/^EnvironmentFile=.*%i/d' -e 's# --config /etc/sesverify/%i.conf##' -e 's# (%i)##' \
        -e 's#sesverify/%i$#sesverify#' -e 's#sesverify\.%i\.#sesverify.#' -e 's#tcp:9425-9440#tcp:9425#' "$1"
}
settings "$source/sesverify.service" >"$folder/one"
settings "$source/sesverify@.service" >"$folder/many"
diff "$folder/one" "$folder/many" || {
    echo "sesverify@.service differs from sesverify.service in more than its instance"
    exit 1
}
port=$("$program" config defaults | sed -n 's/^listen = .*:\([0-9]*\)$/\1/p')
grep -q "^SocketBindAllow=tcp:$port\$" "$source/sesverify.service" || {
    echo "the unit does not let the worker have its status port, $port"
    exit 1
}

# Users and folders, into a root of their own.
command -v systemd-sysusers >/dev/null || exit 0
mkdir -p "$folder/root/etc"
systemd-sysusers --root="$folder/root" "$source/sesverify.sysusers.conf" >/dev/null 2>&1 || {
    echo "systemd-sysusers refuses sesverify.sysusers.conf"
    exit 1
}
grep -q '^sesverify:' "$folder/root/etc/passwd"
systemd-tmpfiles --root="$folder/root" --create "$source/sesverify.tmpfiles.conf" || {
    echo "systemd-tmpfiles refuses sesverify.tmpfiles.conf"
    exit 1
}
[ "$(stat -c %a "$folder/root/etc/sesverify/secrets")" = 750 ]
