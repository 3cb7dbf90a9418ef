#!/usr/bin/env bash
# weak_symbols.sh NM OBJECT...: fails and names them where objects define weak symbols.
#
# A weak symbol is an inline function or a template's instance that the linker may pick for the whole library. Compiled
# for AVX-512, it would crash machines that have none, in code that never asked for it. Allowed are DW.ref.*, which are
# pointers, and what lies in a namespace named after the instruction set (Eigen_avx512): no other file can define that.
set -euo pipefail
nm=$1
shift
[ $# -gt 0 ] || { echo "weak_symbols.sh: no objects given" >&2; exit 2; }
found=0
for object in "$@"; do
  symbols=$("$nm" --defined-only "$object" | awk '$2 ~ /^[WVu]$/ && $3 !~ /^DW\.ref\.|_avx2|_avx512|_amx/ { print $3 }')
  if [ -n "$symbols" ]; then
    echo "$object defines weak symbols:"
    echo "$symbols"
    found=1
  fi
done
[ $found -eq 0 ] && echo "no weak symbols in $# objects"
exit $found
