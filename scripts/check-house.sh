#!/usr/bin/env bash
# usage: check-house.sh [FOLDER] | --self-test
# Checks the rules of the house over a checkout:
#   imports   a folder of native/src includes itself and the folders below it, never one above
#   json      no header and no file of an instruction set includes the JSON library: its inline functions, compiled
#             for one, would run on machines without it
#   cuda      what a card's compiler alone knows (its macros, headers and intrinsics) stays in kernels/cuda/ptx
#   length    no file is longer than 800 lines, measured results in docs/results aside
#   paths     no file names a folder of somebody's machine
#   hosts     every URL leads to a host of the list below
set -euo pipefail
self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")

layers="ort capi ops plan kernels pack pattern core" # from the top down
json_free='\.h$|_(avx2|avx512|avx512_dot|amx)\.cpp$'
cuda_only='__CUDA_ARCH__|include[[:space:]]*[<"](cuda|cuda_[a-z0-9_]*|mma|cooperative_groups|cublas[a-zA-Z]*)\.h[">]'
cuda_only="$cuda_only|__(syncthreads|syncwarp|shfl|ballot_sync|cvta|ldg|half|nv_bfloat)"
most_lines=800
machine_paths='(^|[^[:alnum:]_.$}])/(work|home|root|Users|mnt|workspace)/[[:alnum:]_.-]'
hosts='github\.com|raw\.githubusercontent\.com|huggingface\.co|arxiv\.org|doi\.org|(www\.)?apache\.org|maven\.apache\.org|www\.w3\.org'
hosts="$hosts|onnx\.ai|onnxruntime\.ai|localhost|127\.0\.0\.1|example\.(com|org)|keepachangelog\.com|semver\.org"

text_files() {
  find . '(' -name .git -o -name target ')' -prune -o -type f ! -name LICENSE ! -name '*.png' ! -name '*.onnx' \
    ! -name '*.npz' ! -path ./scripts/check-house.sh -print
}

check_imports() {
  local layer includes allowed=""
  for layer in $(echo "$layers" | tr ' ' '\n' | tac); do
    allowed="$allowed|$layer"
    [ -d "native/src/$layer" ] || continue
    includes=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "native/src/$layer" |
      grep -vE "\"(leno${allowed})/[^\"]*\"" | grep -vE '"[^"/]*"' || true)
    [ -z "$includes" ] || echo "$includes" | sed 's/^/imports: upward or unknown: /'
  done
  local known
  known=$(echo "$layers" | tr ' ' '|')
  [ ! -d native/src ] || find native/src -mindepth 1 -maxdepth 1 | grep -vE "^native/src/($known)$" |
    sed "s/^/imports: a folder that has no place among $layers: /" || true
}

check_json() {
  grep -rlE 'include[[:space:]]*<nlohmann' native | grep -E "$json_free" | sed 's/^/json: included by /' || true
}

check_cuda() {
  [ ! -d native/src ] || grep -rnE "$cuda_only" native/src | grep -v '^native/src/kernels/cuda/ptx/' |
    sed 's/^/cuda: outside of kernels\/cuda\/ptx: /' || true
}

check_text() {
  text_files | sort | while read -r file; do
    [[ $file == ./docs/results/*.json ]] || [ "$(wc -l <"$file")" -le $most_lines ] || echo "length: $file has $(wc -l <"$file") lines, expected at most $most_lines"
    grep -nE "$machine_paths" "$file" | sed "s|^|paths: $file:|" || true
    grep -noE 'https?://[^/"<> )]+' "$file" | grep -vE "://($hosts)(:[0-9]+)?$" | sed "s|^|hosts: $file:|" || true
  done
}

check() {
  cd "$1"
  local faults
  faults=$(check_imports; check_json; check_cuda; check_text)
  if [ -n "$faults" ]; then
    echo "$faults"
    return 1
  fi
  echo "house: in order"
}

# Plants one violation at a time into a small house and demands that it alone is found.
self_test() {
  local base failed=0
  base=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$base'" EXIT
  build() {
    rm -rf "$base/house"
    mkdir -p "$base/house/native/src/"{core,pack,capi}
    printf '#include "leno/base.h"\n#include "core/a.h"\n#include <vector>\n' >"$base/house/native/src/core/a.cpp"
    printf '#include "core/a.h"\n#include <nlohmann/json.hpp>\n' >"$base/house/native/src/pack/safetensors.cpp"
    printf '#include "pack/b.h"\n// https://github.com/a/b and $HOME/work/x\n' >"$base/house/native/src/capi/c.cpp"
  }
  expect() { # name, expected line
    local found
    if found=$("$self" "$base/house"); then found="nothing"; fi
    if [ "$found" != "$2" ]; then
      printf 'self-test %s: found\n%s\nexpected\n%s\n' "$1" "$found" "$2"
      failed=1
    fi
    build
  }
  plant() { printf '%s\n' "$2" >>"$base/house/$1"; }
  build
  "$self" "$base/house" >/dev/null || { echo "self-test: the house in order was refused"; failed=1; }
  plant native/src/core/a.cpp '#include "pack/b.h"'
  expect upward 'imports: upward or unknown: native/src/core/a.cpp:4:#include "pack/b.h"'
  plant native/src/pack/d.h '  #  include  "capi/c.h"'
  expect spaced 'imports: upward or unknown: native/src/pack/d.h:1:  #  include  "capi/c.h"'
  plant native/src/pack/d.h '#include "../capi/c.h"'
  expect sideways 'imports: upward or unknown: native/src/pack/d.h:1:#include "../capi/c.h"'
  mkdir "$base/house/native/src/misc"
  expect folder "imports: a folder that has no place among $layers: native/src/misc"
  plant native/src/core/a_avx2.cpp '#include <nlohmann/json.hpp>'
  expect json 'json: included by native/src/core/a_avx2.cpp'
  plant native/src/core/a.h '#include <nlohmann/json.hpp>'
  expect json_header 'json: included by native/src/core/a.h'
  mkdir -p "$base/house/native/src/kernels/cuda/ptx"
  plant native/src/kernels/cuda/ptx/device.h '#if __CUDA_ARCH__ >= 800'
  plant native/src/kernels/cuda/k.h '#if __CUDA_ARCH__ >= 800'
  expect cuda_macro 'cuda: outside of kernels/cuda/ptx: native/src/kernels/cuda/k.h:1:#if __CUDA_ARCH__ >= 800'
  plant native/src/core/cuda.cpp '#include <cuda_fp16.h>'
  expect cuda_header 'cuda: outside of kernels/cuda/ptx: native/src/core/cuda.cpp:1:#include <cuda_fp16.h>'
  mkdir -p "$base/house/native/src/kernels/cuda"
  plant native/src/kernels/cuda/k.cu '  __syncthreads();'
  expect cuda_intrinsic 'cuda: outside of kernels/cuda/ptx: native/src/kernels/cuda/k.cu:1:  __syncthreads();'
  seq 801 >"$base/house/long.md"
  expect length 'length: ./long.md has 801 lines, expected at most 800'
  plant README.md 'see /home/me/leno'
  expect path 'paths: ./README.md:1:see /home/me/leno'
  plant pom.xml '<url>https://registry.example/maven</url>'
  expect host 'hosts: ./pom.xml:1:https://registry.example'
  [ $failed -eq 0 ] && echo "house: every planted violation was found"
  return $failed
}

case "${1:-}" in
  --self-test) self_test ;;
  *) check "${1:-$(dirname "$self")/..}" ;;
esac
