#!/usr/bin/env bash
# Every code of the catalogue has a case of its own, named after it, that expects it. Usage: every_code.sh SOURCE_DIR
set -euo pipefail
cd "$1"
mapfile -t codes < <(tr -d '\n\\' < include/sv/finding_codes.h | grep -oE 'X\(SV_F_[A-Z0-9_]+, *"[a-z0-9_]+"' | cut -d'"' -f2)
[ ${#codes[@]} -ge 50 ] && [ ${#codes[@]} -eq "$(grep -o 'X(SV_F_' include/sv/finding_codes.h | wc -l)" ] ||
    { echo "only ${#codes[@]} codes could be read"; exit 1; }
faults=0
for code in "${codes[@]}"; do
    if ! grep -qE "\.name = \"${code}[\"_]" tests/unit/auth/test_judge_*.c ||
        ! grep -qE "(error|warning|info|temporary) ${code} " tests/unit/auth/test_judge_*.c; then
        grep -q "$code" tests/unit/drive/test_drive_looks.c && continue # SES's side of it: the driver tells
        echo "no case for $code"
        faults=1
    fi
done
[ $faults -eq 0 ]
echo "${#codes[@]} codes, each with its case"
