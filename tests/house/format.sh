#!/usr/bin/env bash
# Formatting is clang-format 14's; tests/vectors is data. Usage: format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
clang-format --version | grep -q 'version 14\.' || { echo "this check needs clang-format 14"; exit 1; }
mapfile -t files < <(find lib worker include tests examples -name '*.[ch]' -not -path 'tests/vectors/*' | sort)
[ ${#files[@]} -ge 50 ] || { echo "only ${#files[@]} files seen: this check looked at nothing"; exit 1; }
clang-format --dry-run -Werror "${files[@]}"
echo "${#files[@]} files are formatted"
