#!/usr/bin/env bash
# Every code of the catalogue has a case of its own, named after it, that expects it. Usage: every_code.sh SOURCE_DIR
set -euo pipefail
cd "$1"
mapfile -t codes < <(tr -d '\n\\' < include/sv/finding_codes.h | grep -oE 'X\(SV_F_[A-Z0-9_]+, *"[a-z0-9_]+"' | cut -d'"' -f2)
[ ${#codes[@]} -ge 50 ] && [ ${#codes[@]} -eq "$(grep -o 'X(SV_F_' include/sv/finding_codes.h | wc -l)" ] ||
    { echo "only ${#codes[@]} codes could be read"; exit 1; }
mapfile -t to_come < tests/unit/auth/codes_to_come.txt # the list only ever gets shorter
faults=0
for code in "${codes[@]}"; do
    if ! grep -qE "\.name = \"${code}[\"_]" tests/unit/auth/test_judge_*.c ||
        ! grep -qE "(error|warning|info|temporary) ${code} " tests/unit/auth/test_judge_*.c; then
        [[ " ${to_come[*]} " == *" $code "* ]] && continue
        echo "no case for $code"
        faults=1
    fi
done
[ $faults -eq 0 ]
echo "${#codes[@]} codes (${#to_come[@]} to come), each with its case"
