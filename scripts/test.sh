#!/usr/bin/env bash
# usage: scripts/test.sh [--quick] [ARGUMENT OF MAVEN ...]
# Sets up what is missing, then runs every test: the rules of the house, ctest and JUnit (both through Maven), and the
# native tests once more under AddressSanitizer and UndefinedBehaviorSanitizer, which --quick leaves out.
set -euo pipefail
cd "$(dirname "$0")/.."
quick=no
if [ "${1:-}" = --quick ]; then
  quick=yes
  shift
fi

. scripts/functions.sh

step "setup"
./scripts/setup.sh
use_ccache

step "the house"
./scripts/check-house.sh --self-test
./scripts/check-house.sh
./scripts/format.sh

step "build, native and Java tests"
mvn -B -ntp verify "$@"

if [ $quick = yes ]; then
  echo "SKIPPED: the native tests under sanitizers (--quick)"
  exit 0
fi
step "native tests under sanitizers"
cmake --preset sanitize
cmake --build --preset sanitize
ctest --preset sanitize -j "$(nproc)"
