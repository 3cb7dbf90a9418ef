#!/usr/bin/env bash
# Checks that the native sources look as clang-format lays them out; --fix makes them so. Java: mvn fmt:format.
set -euo pipefail
cd "$(dirname "$0")/.."

version=14 # others break some lines elsewhere
tool=clang-format-$version
command -v "$tool" >/dev/null 2>&1 || tool=clang-format
if ! "$tool" --version 2>/dev/null | grep -q "version $version\."; then
  echo "format: SKIPPED, the layout of native/ is checked with clang-format $version, which is not installed" >&2
  [ "${1:-}" = --fix ] && exit 1
  exit 0
fi

sources=(find native -type f '(' -name '*.h' -o -name '*.c' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' ')' -print0)
case "${1:-}" in
  --fix) "${sources[@]}" | xargs -0 "$tool" -i ;;
  "")
    if ! "${sources[@]}" | xargs -0 "$tool" --dry-run -Werror; then
      echo "format: run scripts/format.sh --fix" >&2
      exit 1
    fi
    echo "format: the native sources are laid out"
    ;;
  *)
    echo "usage: scripts/format.sh [--fix]" >&2
    exit 2
    ;;
esac
