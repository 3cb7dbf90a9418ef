#!/usr/bin/env bash
# Benchmarks beside other libraries: scripts/bench.sh linear|conv [--json FILE] [--quick] [--help ...]
# The cost of a call from Java:      scripts/bench.sh java [ARGUMENT OF JMH ...]
# Fetches oneDNN through Maven, builds, and runs on one thread unless --threads says otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-}
if [ "$what" = java ]; then
  shift
  ./scripts/setup.sh
  mvn -q -B -ntp test-compile dependency:build-classpath -Dnative.test.skip \
    -Dmdep.includeScope=test -Dmdep.outputFile=target/bench-classpath
  exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "target/test-classes:target/classes:$(cat target/bench-classpath)" \
    org.openjdk.jmh.Main io.leno.bench "$@"
fi
if [ "$what" != linear ] && [ "$what" != conv ]; then
  echo "usage: scripts/bench.sh linear|conv [--json FILE] [--quick] [--help], or java [ARGUMENT OF JMH ...]" >&2
  exit 2
fi
shift
./scripts/setup.sh

version=3.11-1.5.13
onednn=$PWD/target/onednn-$version
if [ ! -e "$onednn/libdnnl.so.3" ]; then
  mkdir -p target/onednn-jar
  mvn -q -B dependency:copy -Dartifact=org.bytedeco:dnnl:$version:jar:linux-x86_64 \
    -DoutputDirectory="$PWD/target/onednn-jar" -Dmdep.useBaseVersion=true
  (cd target/onednn-jar && "${JAVA_HOME:+$JAVA_HOME/bin/}jar" xf dnnl-$version-linux-x86_64.jar org)
  mv target/onednn-jar/org/bytedeco/dnnl/linux-x86_64 "$onednn"
  rm -r target/onednn-jar
fi

cmake -S . -B target/cmake-bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DLENO_BENCH=ON -DLENO_ONEDNN_ROOT="$onednn" >/dev/null
cmake --build target/cmake-bench --target "leno_${what}_bench"
# With several threads: oneDNN's wait for work as long as ours do before they sleep (thread_pool.cpp). As they come, they
# spin for milliseconds and hold the cores that the next candidate needs: ours ran at half their speed beside them.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-2000}
exec "target/cmake-bench/native/test/bench/leno_${what}_bench" "$@"
