#!/usr/bin/env bash
# usage: setup.sh [demo]
# Makes sure that what the build needs is there, for the demo too where that is said: installs it through the system's
# package manager where it may, else prints the one line to run.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need g++ g++
need cmake cmake
need ninja ninja-build
need mvn maven
need clang-format clang-format
[ -e /usr/include/gtest/gtest.h ] || packages+=(libgtest-dev)
[ -e /usr/include/gmock/gmock.h ] || packages+=(libgmock-dev)
[ -e /usr/include/eigen3/Eigen/Core ] || packages+=(libeigen3-dev)
[ -e /usr/include/nlohmann/json.hpp ] || packages+=(nlohmann-json3-dev)
if ! command -v javac >/dev/null 2>&1 && [ ! -x "${JAVA_HOME:-/nonexistent}/bin/javac" ]; then
  packages+=(openjdk-17-jdk-headless)
fi
if [ "${1:-}" = demo ]; then
  need npm npm
  need fc-list fontconfig # and a font: Java draws the report's pictures with them
  [ -n "$(find /usr/share/fonts -name '*.ttf' -print -quit 2>/dev/null)" ] || packages+=(fonts-dejavu-core)
fi
[ ${#packages[@]} -eq 0 ] && exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
line="$sudo apt-get update && $sudo apt-get install -y ${packages[*]}"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "leno needs these packages (their Debian names): ${packages[*]}" >&2
  exit 1
fi
if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
  echo "leno needs packages that are not installed. Run: $line" >&2
  exit 1
fi
echo "installing ${packages[*]}"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
