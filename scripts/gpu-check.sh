#!/usr/bin/env bash
# usage: scripts/gpu-check.sh [--out FOLDER] [--emulated] [--seconds LIMIT] | --kit
# On a machine with an NVIDIA card, in one go and without a network: builds for that card, compares it with the emulator
# one instruction at a time, runs the CUDA tests on it, bare and under compute-sanitizer, the benchmark beside NVIDIA's
# libraries, and the Java tests where there is a Java. Writes summary.json, conformance.json, linear.json and log.txt to
# FOLDER (target/gpu-check/out). A step that fails does not keep the next from running; the last line says how many did.
#
#   --kit        puts what such a machine may lack into target/gpu-kit: GoogleTest, headers, a small Java run time, the
#                JARs and the tests' classes. Run it where there is a network, then bring the folder along.
#   --emulated   the same steps on the emulator, to test this script where there is no card
#   --seconds    ends the benchmark in time for the whole to take no longer (570)
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
kit=$root/target/gpu-kit
build=$root/target/gpu-check/build
out=$root/target/gpu-check/out
emulated=no
limit=570
most_kit_megabytes=60

make_kit() {
  set -e
  rm -rf "$kit"
  mkdir -p "$kit/usr/include" "$kit/usr/share/cmake" "$kit/jars"
  cp -r /usr/src/googletest "$kit/googletest"
  find "$kit/googletest" -type d '(' -name test -o -name docs -o -name samples ')' -prune -exec rm -r {} +
  cp -r /usr/include/eigen3 /usr/include/nlohmann "$kit/usr/include/"
  rm -r "$kit/usr/include/eigen3/unsupported"
  cp -r /usr/share/eigen3 "$kit/usr/share/"
  cp -r /usr/share/cmake/nlohmann_json "$kit/usr/share/cmake/"
  local java=${JAVA_HOME:+$JAVA_HOME/bin/}
  "${java}jlink" --add-modules java.base,java.logging,java.management,java.xml,jdk.management,jdk.unsupported,jdk.zipfs \
    --strip-debug --no-header-files --no-man-pages --compress=2 --output "$kit/java"
  if [ -d target/classes ] && [ -d target/test-classes ]; then
    mvn -q -B -ntp -o dependency:build-classpath -Dmdep.includeScope=test -Dmdep.outputFile="$kit/classpath"
    # What tests of a device need: not ONNX's, not the fuzzers'.
    tr ':' '\n' <"$kit/classpath" | grep -E '/(javacpp|cuda|jqwik)[^/]*\.jar$' |
      grep -vE 'linux-(arm|ppc)|macosx|windows' | while read -r jar; do cp "$jar" "$kit/jars/"; done
    rm "$kit/classpath"
    local console=org.junit.platform:junit-platform-console-standalone:1.13.4
    mvn -q -B -ntp dependency:copy -Dartifact=$console -DoutputDirectory="$kit/jars" ||
      echo "gpu-check: $console cannot be had: the kit has no Java tests" >&2
    "${java}jar" cf "$kit/jars/leno-tests.jar" -C target/test-classes .
    "${java}jar" cf "$kit/jars/leno.jar" -C target/classes .
  else
    echo "gpu-check: target/classes is missing (mvn test-compile makes it): the kit has no Java tests" >&2
  fi
  local megabytes
  megabytes=$(du -sm "$kit" | cut -f1)
  echo "kit: $kit, $megabytes MB"
  [ "$megabytes" -le $most_kit_megabytes ] || { echo "expected at most $most_kit_megabytes MB" >&2; exit 1; }
}

while [ $# -gt 0 ]; do
  case "$1" in
    --kit) make_kit; exit ;;
    --emulated) emulated=yes ;;
    --out) out=$2; shift ;;
    --seconds) limit=$2; shift ;;
    *) sed -n '2,3p' "$0" >&2; exit 2 ;;
  esac
  shift
done

mkdir -p "$out" "$build"
out=$(cd "$out" && pwd)
log=$out/log.txt
: >"$log"
rm -f "$out"/*.json
failed=0
steps=""
began=$SECONDS

# name, seconds it may take, command ...
step() {
  local name=$1 most=$2 status start=$SECONDS said
  shift 2
  printf '\n== %s\n' "$name" | tee -a "$log"
  timeout --kill-after=10 "$most" "$@" >"$out/step.txt" 2>&1
  status=$?
  cat "$out/step.txt" >>"$log"
  tail -n 6 "$out/step.txt"
  case $status in
    0) said=passed ;;
    124 | 137) said="took longer than $most s" ;;
    *) said="failed with status $status" ;;
  esac
  [ $status -eq 0 ] || failed=$((failed + 1))
  note "$name" "$said" $((SECONDS - start))
  return $status
}
skip() { note "$1" "SKIPPED: $2" 0; printf '\n== %s: SKIPPED, %s\n' "$1" "$2" | tee -a "$log"; }
note() {
  steps="$steps${steps:+,}
{\"step\":\"$1\",\"result\":\"$(printf '%s' "$2" | tr '"\\' "''")\",\"seconds\":$3}"
  printf '{"card":"%s","arch":"%s","driver":"%s","commit":"%s","seconds":%d,"failed":%d,"steps":[%s\n]}\n' \
    "${card:-}" "${arch:-}" "${driver:-}" "$(git rev-parse --short HEAD 2>/dev/null)" $((SECONDS - began)) $failed \
    "$steps" >"$out/summary.json"
}

# ---- the card
if [ $emulated = yes ]; then
  card=emulator arch=90 driver=emulator
else
  command -v nvidia-smi >/dev/null || { echo "gpu-check: no nvidia-smi: no card here (--emulated does without)" >&2; exit 2; }
  card=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)
  arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
  nvidia-smi >>"$log" 2>&1
fi
echo "gpu-check: $card, sm_$arch, driver $driver, to $out" | tee -a "$log"

# ---- build, for this card alone; cards later than those we know run PTX
known=$arch
case $arch in 75 | 80 | 86 | 89 | 90) ;; *) known=ptx ;; esac
options=(-S "$root" -B "$build" "-DLENO_CUDA_ARCHITECTURES=$known")
command -v ninja >/dev/null && options+=(-G Ninja)
if [ $emulated = yes ]; then
  options+=(-DLENO_CUDA=OFF -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0) # quick to build is all it must be
else
  options+=(-DLENO_CUDA=ON -DCMAKE_BUILD_TYPE=Release)
fi
if [ -d "$kit/googletest" ]; then
  options+=("-DCMAKE_PREFIX_PATH=$kit/usr" "-DLENO_GTEST_SOURCE=$kit/googletest")
fi
jobs=${LENO_JOBS:-$(nproc)}
step configure 60 cmake "${options[@]}"
build_limit=240
[ $emulated = yes ] && build_limit=1800
step build $build_limit cmake --build "$build" --parallel "$jobs" --target leno_conformance leno_cuda_linear_bench \
  leno_simt_kernels_test leno_simt_driver leno_cuda_test leno
test_folder=$build/native/test
if [ $emulated = yes ]; then
  LENO_CUDA_DRIVER=$(find "$build" -name 'libleno-simt-cuda.so' | head -n 1)
  export LENO_CUDA_DRIVER
else
  unset LENO_CUDA_DRIVER
fi

# ---- NVIDIA's libraries: what PyTorch or others left in Python's folders, beside the system's
if [ -z "${LENO_CUDA_LIBRARIES:-}" ]; then
  pythons=$(for p in python3 python; do
    command -v $p >/dev/null && $p -c 'import sys; print("\n".join(p for p in sys.path if p.endswith("-packages")))'
  done 2>/dev/null)
  LENO_CUDA_LIBRARIES=$(for p in $pythons; do find "$p/nvidia" -name 'libcu*.so.*' 2>/dev/null; done |
    xargs -r -n 1 dirname | sort -u | paste -s -d :)
fi
export LENO_CUDA_LIBRARIES
# Their own libraries find each other there.
[ -z "$LENO_CUDA_LIBRARIES" ] || export LD_LIBRARY_PATH=$LENO_CUDA_LIBRARIES${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
echo "NVIDIA's libraries: ${LENO_CUDA_LIBRARIES:-where the system looks}" | tee -a "$log"

# ---- correctness
conformance=$test_folder/simt/conformance/leno_conformance
kernels=$test_folder/simt/leno_simt_kernels_test
# Counts and traffic are the emulator's alone, and planted kernels are in no image.
on_card='*:-*Counts*:*Traffic*:*MeetsNoBankConflict*:LinearFixture.*'
[ "$arch" = 90 ] || on_card="$on_card:*Sm90*"
if [ $emulated = yes ]; then on_card='Transpose*:Convert*:LayerNorm*:-*Traffic*'; fi
step conformance 60 "$conformance" --json "$out/conformance.json"
step conformance-finds-planted 60 "$conformance" --planted
step kernels-on-card 150 env LENO_TEST_CARD=1 "$kernels" "--gtest_filter=$on_card" --gtest_brief=1
# The C API's CUDA tests that ask nothing of the emulator: no planned fault, no count of calls, no second card.
portable=$(awk '/^TEST_F\(/ { split($0, part, /[(),] */); name = part[2] "." part[3]; bad = 0 }
  /plan_fault|calls\(|count\(|report|Emulated|LENO_SIMT|driver_function|AMissingWait|WrongOrdinals|TellsItsMemory|set_most_cluster|PairsAndWindows|create_cuda\(1|multiprocessors\)/ { bad = 1 }
  /^}/ { if (name != "" && !bad) print name; name = "" }' "$root"/native/test/capi/cuda_*_test.cpp | paste -s -d :)
if [ -n "$portable" ]; then
  step capi-on-card 60 env LENO_TEST_CARD=1 "$test_folder/simt/leno_cuda_test" "--gtest_filter=$portable" --gtest_brief=1
else
  skip capi-on-card "there are no CUDA tests of the C API"
fi

# ---- under compute-sanitizer, on a reduced table
reduced='Transpose*:Convert*:LayerNorm*:*IsExactOnSmallIntegers*:*EveryEpilogue*:-*Traffic*'
[ "$arch" = 90 ] || reduced="$reduced:*Sm90*"
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
if [ $emulated = yes ]; then
  skip compute-sanitizer "there is no card"
elif [ -z "$sanitizer" ]; then
  skip compute-sanitizer "not found"
else
  for tool in memcheck racecheck; do
    step "conformance-$tool" 60 "$sanitizer" --tool $tool --error-exitcode 7 "$conformance"
    step "kernels-$tool" 90 env LENO_TEST_CARD=1 LENO_TEST_REDUCED=1 "$sanitizer" --tool $tool --error-exitcode 7 \
      "$kernels" "--gtest_filter=$reduced" --gtest_brief=1
  done
fi

# ---- Java, before the benchmark: it takes what time is left
java=$(command -v java || true)
[ -x "$kit/java/bin/java" ] && java=$kit/java/bin/java
console=$(ls "$kit"/jars/junit-platform-console-standalone-*.jar 2>/dev/null | head -n 1)
if [ -z "$java" ]; then
  skip java "no Java found, and no kit"
elif [ -z "$console" ]; then
  skip java "the kit has no tests: scripts/gpu-check.sh --kit makes it"
else
  classpath=$(find "$kit/jars" -name '*.jar' ! -name '*console-standalone*' | paste -s -d :)
  # DriverTest is about drivers that only the emulator has.
  step java 60 env LENO_TEST_CARD=1 LENO_SIMT_ARCH=80 LENO_SIMT_DEVICES=2 "$java" -Xcheck:jni -jar "$console" execute \
    --class-path "$classpath" --details=tree --disable-banner --fail-if-no-tests --include-classname '.*[.]cuda[.].*Test' \
    --exclude-classname '.*DriverTest' --scan-class-path "$kit/jars/leno-tests.jar"
fi

# ---- speed
bench=$test_folder/bench/cuda/leno_cuda_linear_bench
left=$((limit - (SECONDS - began) - 20))
if [ $emulated = yes ]; then
  step benchmark 300 "$bench" --tiny --json "$out/linear.json"
elif [ $failed -gt 0 ] && [ ! -x "$bench" ]; then
  skip benchmark "it was not built"
elif [ $left -lt 40 ]; then
  skip benchmark "only $left s are left"
else
  # A problem that has begun is ended.
  cold=$((left / 4))
  step benchmark $((left - cold + 15)) "$bench" --seconds $((left - cold - 15)) --json "$out/linear.json"
  step benchmark-cold $((cold + 10)) "$bench" --cold --quick --seconds $((cold - 10)) --json "$out/linear-cold.json"
fi

rm -f "$out/step.txt"
note end "$failed failed" 0
echo
echo "gpu-check: $failed steps failed, $((SECONDS - began)) s, results in $out" | tee -a "$log"
[ $failed -eq 0 ]
