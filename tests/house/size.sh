#!/usr/bin/env bash
# Functions <= 70 lines, files <= 600, public headers <= 350 (the interface of the store is the longest); tests/vectors is data.
# Usage: size.sh SOURCE_DIR
set -euo pipefail
cd "$1"
ctags --version 2>/dev/null | grep -q Universal || { echo "this check needs Universal Ctags"; exit 1; }
mapfile -t files < <(find lib worker tests examples -name '*.[ch]' -not -path 'tests/vectors/*' | sort)
[ ${#files[@]} -ge 50 ] || { echo "only ${#files[@]} files seen: this check looked at nothing"; exit 1; }
long=$(ctags --fields=+ne --c-kinds=f -f - "${files[@]}" | awk -F'\t' '
    !/^!/ { l = 0; e = 0
            for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) l = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) }
            n++
            if (l && e && e - l + 1 > 70) print $2 ":" l ": " $1 " has " e - l + 1 " lines" }
    END { if (n < 100) print "only " n " functions seen: this check looked at nothing" }')
longer() { # LINES file...
    awk -v most="$1" 'FNR == most + 1 { print FILENAME " has more than " most " lines" }' "${@:2}"
}
big=$(longer 600 "${files[@]}"; longer 350 include/sv/*.h)
[ -z "$long$big" ] || { printf '%s\n' "$long" "$big" | grep .; exit 1; }
echo "${#files[@]} files within their limits"
