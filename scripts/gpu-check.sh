#!/usr/bin/env bash
# usage: scripts/gpu-check.sh [--out FOLDER] [--emulated] [--seconds LIMIT] | --kit
# On a machine with an NVIDIA card, in one go and without a network: builds for that card, compares it with the emulator
# one instruction at a time, runs the CUDA tests on it, the benchmark beside NVIDIA's libraries, tests again under
# compute-sanitizer, and the Java tests where there is a Java. Writes summary.json, conformance.json, linear.json,
# conv.json and log.txt to FOLDER (target/gpu-check/out) as they come: whoever ends it in the middle has what it had. A
# step that fails does not keep the next from running; the last line says how many did.
#
#   --kit        puts what such a machine may lack into target/gpu-kit: GoogleTest, headers, a small Java run time, the
#                JARs and the tests' classes. Run it where there is a network, then bring the folder along.
#   --emulated   the same steps on the emulator, to test this script where there is no card
#   --seconds    the whole takes no longer (570): each step has what time is left, the benchmark some at any rate
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
kit=$root/target/gpu-kit
build=$root/target/gpu-check/build
out=$root/target/gpu-check/out
emulated=no
limit=
most_kit_megabytes=60

make_kit() {
  set -e
  rm -rf "$kit"
  mkdir -p "$kit/usr/include" "$kit/usr/share/cmake" "$kit/jars"
  cp -r /usr/src/googletest "$kit/googletest"
  find "$kit/googletest" -type d '(' -name test -o -name docs -o -name samples ')' -prune -exec rm -r {} +
  cp -r /usr/include/nlohmann "$kit/usr/include/"
  # Of Eigen what the library includes: its core and Cholesky's decompositions.
  local eigen=usr/include/eigen3
  mkdir -p "$kit/$eigen/Eigen/src"
  cp -r /$eigen/signature_of_eigen3_matrix_library "$kit/$eigen/"
  cp /$eigen/Eigen/{Core,Cholesky,Jacobi} "$kit/$eigen/Eigen/"
  cp -r /$eigen/Eigen/src/{Core,Cholesky,Jacobi,misc,plugins} "$kit/$eigen/Eigen/src/"
  cp -r /usr/share/eigen3 "$kit/usr/share/"
  cp -r /usr/share/cmake/nlohmann_json "$kit/usr/share/cmake/"
  local java=${JAVA_HOME:+$JAVA_HOME/bin/}
  "${java}jlink" --add-modules java.base,java.logging,java.management,java.xml,jdk.management,jdk.unsupported,jdk.zipfs \
    --strip-debug --no-header-files --no-man-pages --compress=2 --output "$kit/java"
  strip --strip-unneeded "$kit/java/lib/server/libjvm.so" # 4 MB of symbols for debuggers
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
    *) sed -n '2p' "$0" >&2; exit 2 ;;
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
limit=${limit:-$([ $emulated = yes ] && echo 3600 || echo 570)}
kept=100 # seconds that no step before the benchmark may use up
behind=110 # what the benchmark leaves, where it can, to the sanitizer and to Java
margin=10 # to end in

seconds_left() { echo $((limit - margin - (SECONDS - began) - kept)); }

# name, the most seconds it may take where so many are left, command ...
step() {
  local name=$1 most=$2 left status start=$SECONDS said before
  shift 2
  left=$(seconds_left)
  [ "$most" -le "$left" ] || most=$left
  if [ "$most" -lt 3 ]; then
    skip "$name" "no time is left"
    failed=$((failed + 1))
    return 1
  fi
  printf '\n== %s\n' "$name" | tee -a "$log"
  summarise "$name" "began, $most s at most" 0
  before=$(wc -l <"$log")
  timeout --kill-after=5 "$most" "$@" >>"$log" 2>&1
  status=$?
  tail -n "+$((before + 1))" "$log" | tail -n 6
  case $status in
    0) said=passed ;;
    124 | 137) said="took longer than $most s" ;;
    *) said="failed with status $status" ;;
  esac
  [ $status -eq 0 ] || failed=$((failed + 1))
  note "$name" "$said" $((SECONDS - start))
  return $status
}
skip() {
  note "$1" "SKIPPED: $2" 0
  printf '\n== %s: SKIPPED, %s\n' "$1" "$2" | tee -a "$log"
}
row() { printf '\n{"step":"%s","result":"%s","seconds":%d}' "$1" "$(printf '%s' "$2" | tr '"\\' "''")" "$3"; }
# What is known so far and that step, so that a run that is ended in the middle leaves what it had.
summarise() {
  printf '{"card":"%s","arch":"%s","driver":"%s","commit":"%s","seconds":%d,"failed":%d,"steps":[%s%s\n]}\n' \
    "${card:-}" "${arch:-}" "${driver:-}" "$(git rev-parse --short HEAD 2>/dev/null)" $((SECONDS - began)) $failed \
    "$steps" "${steps:+,}$(row "$@")" >"$out/summary.json"
}
note() {
  summarise "$@"
  steps="$steps${steps:+,}$(row "$@")"
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
build_limit=300
[ $emulated = yes ] && build_limit=3000
go_on=-k # what does not build does not keep the rest from it
grep -q '^CMAKE_GENERATOR:INTERNAL=Ninja' "$build/CMakeCache.txt" 2>/dev/null && go_on="-k 0"
# shellcheck disable=SC2086
step build $build_limit cmake --build "$build" --parallel "$jobs" --target leno_conformance leno_cuda_linear_bench \
  leno_cuda_conv_bench leno_simt_kernels_test leno_simt_driver leno_cuda_test leno_cuda_inside_test \
  leno_cuda_cublaslt_test leno -- $go_on
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

# ---- correctness. Tests skip what they know of the emulated driver alone, and kernels that the card does not run.
conformance=$test_folder/simt/conformance/leno_conformance
kernels=$test_folder/simt/leno_simt_kernels_test
as_card=(env LENO_TEST_CARD=1)
# A driver whose work is done at once and that has no other card stands for a real one.
[ $emulated = yes ] && as_card+=(LENO_SIMT_PROMPT=1 LENO_SIMT_DEVICES=1)
slower=1 # than a card
[ $emulated = yes ] && slower=10
step conformance $((60 * slower)) "$conformance" --json "$out/conformance.json"
step conformance-finds-planted $((60 * slower)) "$conformance" --planted
if [ $emulated = yes ]; then
  step kernels-on-card 600 "${as_card[@]}" LENO_TEST_REDUCED=1 "$kernels" --gtest_brief=1 \
    '--gtest_filter=Transpose*:Convert*:LayerNorm*:LinearSm75.Is*:LinearFixture*:*ConvKernels*:ConvSkip*'
else
  # Most of the time is the references': several processes take a part each.
  step kernels-on-card 120 "${as_card[@]}" GTEST_TOTAL_SHARDS=4 bash -c '
    for shard in 0 1 2 3; do GTEST_SHARD_INDEX=$shard "$0" --gtest_brief=1 & parts="$parts $!"; done
    status=0
    for part in $parts; do wait "$part" || status=1; done
    exit $status' "$kernels"
fi
step capi-on-card $((60 * slower)) "${as_card[@]}" "$test_folder/simt/leno_cuda_test" --gtest_brief=1
step inside-on-card $((30 * slower)) "${as_card[@]}" "$test_folder/simt/leno_cuda_inside_test" --gtest_brief=1
if [ $emulated = yes ]; then
  step cublaslt-on-card $((60 * slower)) "${as_card[@]}" LENO_CUDA_LIBRARIES="$build/lib/cublaslt" \
    "$test_folder/simt/leno_cuda_cublaslt_test" --gtest_brief=1
elif { tr ':' '\n' <<<"$LENO_CUDA_LIBRARIES" | xargs -r -I{} ls {}; ldconfig -p; } 2>/dev/null |
  grep -q 'libcublasLt\.so\.1[23]'; then
  step cublaslt-on-card 60 "${as_card[@]}" "$test_folder/simt/leno_cuda_cublaslt_test" --gtest_brief=1
else
  skip cublaslt-on-card "libcublasLt.so.13 and libcublasLt.so.12 were not found"
fi

# ---- speed: what time is left but for the steps behind it
bench=$test_folder/bench/cuda
floor=$kept
kept=0
left=$(($(seconds_left) - behind))
[ $left -ge "$floor" ] || left=$floor
if [ ! -x "$bench/leno_cuda_linear_bench" ] || [ ! -x "$bench/leno_cuda_conv_bench" ]; then
  skip benchmark "it was not built"
  failed=$((failed + 1))
elif [ $emulated = yes ]; then
  step benchmark 600 "$bench/leno_cuda_linear_bench" --tiny --json "$out/linear.json"
  step benchmark-conv 600 "$bench/leno_cuda_conv_bench" --tiny --json "$out/conv.json"
else
  # A problem that has begun is ended.
  conv=$((left / 3)) cold=$((left / 6))
  warm=$((left - conv - cold))
  step benchmark $warm "$bench/leno_cuda_linear_bench" --seconds $((warm - 15)) --json "$out/linear.json"
  step benchmark-conv $conv "$bench/leno_cuda_conv_bench" --seconds $((conv - 25)) --json "$out/conv.json"
  step benchmark-cold $cold "$bench/leno_cuda_linear_bench" --cold --quick --seconds $((cold - 12)) \
    --json "$out/linear-cold.json"
fi

# ---- under compute-sanitizer, on reduced tables
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
if [ $emulated = yes ]; then
  skip compute-sanitizer "there is no card"
elif [ -z "$sanitizer" ]; then
  skip compute-sanitizer "not found"
else
  for tool in memcheck racecheck; do
    # Errors of calls are the tests' own business: an entry is looked for in several images, and found in one.
    check=("$sanitizer" --tool $tool --error-exitcode 7 --report-api-errors no)
    step "conformance-$tool" 30 "${check[@]}" "$conformance"
    step "kernels-$tool" 40 "${as_card[@]}" LENO_TEST_REDUCED=1 "${check[@]}" "$kernels" --gtest_brief=1 \
      '--gtest_filter=Transpose*:Convert*:LayerNorm*:*IsExactOnSmallIntegers*:*EveryEpilogue*:*ConvKernels*:ConvSkip*'
  done
fi

# ---- Java
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
    --class-path "$classpath" --details=tree --disable-banner --fail-if-no-tests --config jqwik.database="$out/jqwik-database" \
    --include-classname '.*[.]cuda[.].*Test' \
    --exclude-classname '.*DriverTest' --scan-class-path "$kit/jars/leno-tests.jar"
fi

note end "$failed failed" 0
echo
echo "gpu-check: $failed steps failed, $((SECONDS - began)) s, results in $out" | tee -a "$log"
[ $failed -eq 0 ]
