#!/usr/bin/env bash
# Every public header stands alone. Usage: headers.sh SOURCE_DIR COMPILER
set -euo pipefail
cd "$1"
count=0
for header in include/sv/*.h; do
    echo "#include \"${header#include/}\"" |
        "$2" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -x c -fsyntax-only - || { echo "$header does not stand alone"; exit 1; }
    count=$((count + 1))
done
[ "$count" -ge 20 ]
echo "$count headers stand alone"
