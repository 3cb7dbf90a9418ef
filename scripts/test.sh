#!/usr/bin/env bash
# Sets up what is missing, then runs every test: ctest and JUnit.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
cmake --preset release
cmake --build --preset release
ctest --preset release
