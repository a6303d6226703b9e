#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over lib and worker, one file at a time: its analyzer invents va_list faults when it reads several.
# Usage: tidy.sh SOURCE_DIR BUILD_DIR; the build is one of clang's, whose flags it knows. Exits 77 (skipped) without clang-tidy.
set -euo pipefail
cd "$1"
command -v clang-tidy >/dev/null || { echo "clang-tidy is not there: skipped"; exit 77; }
count=$(find lib worker -name '*.c' | wc -l)
[ "$count" -ge 50 ] || { echo "only $count files seen: this check looked at nothing"; exit 1; }
find lib worker -name '*.c' | sort | xargs -P "$(nproc)" -n 1 clang-tidy -p "$2" --quiet 2>/dev/null
echo "$count files are tidy"
