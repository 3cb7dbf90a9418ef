#!/usr/bin/env bash
# usage: scripts/fuzz.sh [--hours H] [--seed N]
# Runs every native fuzz target under AddressSanitizer and UndefinedBehaviorSanitizer, then every Java target under
# Jazzer, H hours in all (default 1). An input that is a defect stays in target/fuzz as crash-*; give it to the native
# target as an argument to see it again, or put it among the Java test's inputs, where Jazzer's message says.
set -euo pipefail
cd "$(dirname "$0")/.."

hours=1
seed=$(date +%s)
while [ $# -gt 0 ]; do
  case "$1" in
    --hours) hours=${2:?--hours needs a number} && shift 2 ;;
    --seed) seed=${2:?--seed needs a number} && shift 2 ;;
    *)
      sed -n 2,5p "$0" >&2
      exit 2
      ;;
  esac
done

./scripts/setup.sh
cmake --preset sanitize >/dev/null
native=()
for source in native/test/fuzz/*_fuzz.cpp; do native+=("leno_$(basename "$source" .cpp)"); done
cmake --build --preset sanitize --target "${native[@]}"

java=(java/test/io/leno/fuzz/*Fuzz.java)
seconds=$(awk -v h="$hours" -v n="$((${#native[@]} + ${#java[@]}))" 'BEGIN { printf "%d", h * 3600 / n }')
mkdir -p target/fuzz
root=$PWD
cd target/fuzz
failed=0
for target in "${native[@]}"; do
  echo "$target: $seconds seconds, seed $seed"
  "$root/target/cmake-sanitize/native/test/fuzz/$target" --seconds "$seconds" --seed "$seed" || failed=1
done
cd "$root"
echo "${#java[@]} Java targets: $seconds seconds each"
mvn -q -B -ntp test -Dnative.test.skip -Dtest='*Fuzz' -Dfuzz.time="${seconds}s" || failed=1
exit $failed
