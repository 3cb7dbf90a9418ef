#!/usr/bin/env bash
# Sets up what is missing, then runs every test: ctest and JUnit, both through Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
mvn -B -ntp verify "$@"
