#!/usr/bin/env bash
# usage: mutate.sh KERNEL [COUNT [SEED]]
#   KERNEL  transpose, skinny, skip, skip_mma, sm75, sm80, conv, sm90, window
# Mutates the sources of a CUDA kernel one token at a time (a constant, an operator, a call left out), runs the kernel's
# emulator tests on each mutant and tells the share that they find. COUNT mutants (40) are drawn with SEED (1). Those
# that no test minds are listed: equivalent, or a gap. Needs the release build of leno_simt_kernels_test.
#   BUILD   its folder (target/cmake-release)     JOBS    mutants at a time (2)
#   LIMIT   seconds for the tests of a mutant (120): beyond, it is undecided and counts as neither
set -euo pipefail
cd "$(dirname "$0")/.."
kernel=${1:?usage: mutate.sh KERNEL [COUNT [SEED]]} count=${2:-40} seed=${3:-1}
build=$(realpath "${BUILD:-target/cmake-release}")
sources=native/src/kernels/cuda

case $kernel in
  transpose) units="transpose" tests='Transpose.*' files="transpose" ;;
  skinny) units="linear_skinny_sm75 linear_skinny_sm80 linear_skinny_sm89" tests='Rows/LinearSkinny.*' files="linear_skinny" ;;
  skip) units="conv_skip_bf16_sm80 conv_skip_f32_sm75 conv_skip_f32_sm80 linear_skip_f32_sm75 linear_skip_f32_sm80" tests='LinearSkip.*' files="linear_skip_f32 linear_skip_stage linear_skip_output" ;;
  skip_mma) units="conv_skip_bf16_sm80 conv_skip_f16_sm80 linear_skip_bf16_sm80 linear_skip_f16_sm80" tests='LinearSkipMma.*' files="linear_skip_mma" ;;
  sm75) units="conv_f16_sm75 linear_f16_sm75" tests='LinearSm75.*' files="linear_sm75 linear_warp pipeline" ;;
  sm80) units="conv_bf16_sm80 conv_skip_bf16_sm80 linear_bf16_sm80" tests='*LinearSm80*/bf16:LinearSm80Counts.*' files="linear_sm80 linear_warp x_source epilogue" ;;
  conv) units="conv_f16_sm80 conv_f16_sm75 conv_pack conv_skip_f16_sm80 conv_skip_f32_sm75 conv_skip_f32_sm80" tests='*ConvKernels*/f*:ConvCounts.*:ConvSkip.*' files="conv_source conv_epilogue conv_pack conv_skip_f32" ;;
  sm90) units="linear_sm90" tests='*LinearSm90*' files="linear_sm90_gather linear_sm90_multiply linear_sm90_source linear_sm90_scheduler linear_sm90_epilogue linear_sm90_ring" ;;
  window) units="linear_window_sm90" tests='*LinearWindow*' files="linear_window_sm90 linear_window_load linear_window_multiply linear_window_epilogue" ;;
  *) echo "mutate: no kernel $kernel" >&2; exit 2 ;;
esac

# Units are all that instantiate what is mutated and come first as the test is linked: of a function that several objects
# hold, the linker takes the first.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
headers=""
for file in $files; do headers="$headers $sources/$file.h"; done
# shellcheck disable=SC2086
total=$(java scripts/Mutants.java "$work" "$count" "$seed" native/src $headers)

# The commands of the build, to be run with a mutant's header before the real one.
ninja -C "$build" -t commands leno_simt_kernels_test >"$work/commands"
for unit in $units; do grep -E -- "-c [^ ]*/$unit\.cu( |$)" "$work/commands" | tail -1 >"$work/compile.$unit"; done
tail -1 "$work/commands" >"$work/link"

run_one() { # folder of the mutant
  local at=$1 unit command object link log=$1/log
  link=$(sed "s| -o [^ ]*leno_simt_kernels_test | -o $at/test |; s|&& cd .*||" "$work/link")
  for unit in $units; do
    command=$(cat "$work/compile.$unit")
    object=$(echo "$command" | sed 's/.* -o \([^ ]*\).*/\1/')
    command=$(echo "$command" | sed "s| -o [^ ]*| -o $at/$unit.o|; s| -MD||; s| -MT [^ ]*||; s| -MF [^ ]*||; s| -O3| -O1|; s| -I| -w -I$at/src -I|")
    if ! (cd "$build" && eval "$command") >"$log" 2>&1; then echo "unbuilt" >"$at/result"; return; fi
    link=${link//$object/$at/$unit.o}
  done
  if ! (cd "$build" && eval "$link") >"$log" 2>&1; then echo "unbuilt" >"$at/result"; return; fi
  local status=0
  timeout "${LIMIT:-120}" "$at/test" --gtest_filter="$tests" --gtest_fail_fast --gtest_brief=1 >"$log" 2>&1 || status=$?
  rm -f "$at/test" "$at"/*.o
  if [ $status = 0 ]; then echo "survived"
  elif [ $status = 124 ]; then echo "undecided (too slow)"
  elif [ $status -gt 1 ]; then echo "found (crash)"
  elif grep -q 'block (\|the block ends\|launch:' "$log"; then echo "found (report)"
  else echo "found (result)"
  fi >"$at/result"
}
export -f run_one
export work build units tests LIMIT

mkdir "$work/0.none" && mkdir "$work/0.none/src" && run_one "$work/0.none"
if [ "$(cat "$work/0.none/result")" != survived ]; then
  echo "mutate: the tests fail without a mutation: $(cat "$work/0.none/result")" >&2
  tail -5 "$work/0.none/log" >&2
  exit 1
fi
rm -r "$work/0.none"

find "$work" -mindepth 1 -maxdepth 1 -type d | sort -V | xargs -P "${JOBS:-2}" -I{} bash -c 'run_one {}'

built=0 found=0
declare -A kinds
for folder in "$work"/*/; do
  result=$(cat "$folder/result")
  [ "$result" = unbuilt ] && continue
  built=$((built + 1))
  kinds[$result]=$((${kinds[$result]:-0} + 1))
  case $result in
    found*) found=$((found + 1)) ;;
    undecided*) built=$((built - 1)) ;&
    *) echo "$result: $(cat "$folder/what")" ;;
  esac
  [ -z "${VERBOSE:-}" ] || echo "$result: $(cat "$folder/what")"
done
for kind in "${!kinds[@]}"; do echo "  $kind: ${kinds[$kind]}"; done | sort
echo "$kernel: $found of $built decided mutants found, drawn from $total"
