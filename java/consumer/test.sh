#!/usr/bin/env bash
# usage: java/consumer/test.sh JAR LOCAL_REPOSITORY
# Builds a user's project, which has the JAR as its single dependency, and runs it on the class path, on the module path
# and as one shaded JAR, with every JDK from 17 on that is installed. The JAR is installed into a repository of its own
# that shares all else with LOCAL_REPOSITORY.
set -euo pipefail
jar=$(realpath "$1")
shared=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
build=$(dirname "$jar")/consumer
version=0.1.0

rm -rf "$build"
mkdir -p "$build/repository/io/leno/leno/$version"
link() { for entry in "$1"/*; do [ "$(basename "$entry")" = "$2" ] || ln -s "$entry" "$3/"; done; }
link "$shared" io "$build/repository"
[ ! -d "$shared/io" ] || link "$shared/io" leno "$build/repository/io"
cp "$jar" "$build/repository/io/leno/leno/$version/leno-$version.jar"
cp "$here/../../pom.xml" "$build/repository/io/leno/leno/$version/leno-$version.pom"

mvn -q -B -ntp -f "$here/pom.xml" -Dmaven.repo.local="$build/repository" -Dconsumer.build="$build/target" package

main=$build/target/consumer-1.jar
libraries=$build/target/lib
echo "a user of the JAR also gets: $(ls "$libraries" | grep -v '^leno-' | tr '\n' ' ')"
if ls "$libraries" | grep -qvE '^(leno|javacpp)-'; then
  echo "consumer: expected JavaCPP alone" >&2
  exit 1
fi

run() { # JDK, version, way, arguments of java
  local java=$1/bin/java major=$2 way=$3 access=ALL-UNNAMED
  shift 3
  [ "$way" != "module path" ] || access=io.leno,org.bytedeco.javacpp
  [ "$major" -lt 24 ] || set -- --enable-native-access=$access "$@"
  rm -rf "$build/cache"
  for cache in cold warm; do
    printf '%-11s %s cache: ' "$way" $cache
    "$java" -Dorg.bytedeco.javacpp.cachedir="$build/cache" "$@"
  done
}

seen=" "
default=$(realpath "$(command -v java || true)") # the one in the PATH
for jdk in "${JAVA_HOME:-}" "${default%/bin/java}" /usr/lib/jvm/*; do
  [ -n "$jdk" ] && [ -x "$jdk/bin/java" ] || continue
  jdk=$(realpath "$jdk")
  major=$("$jdk/bin/java" -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p')
  case "$major" in 1.*) continue ;; esac
  [ "$major" -ge 17 ] && [[ $seen != *" $major "* ]] || continue
  seen="$seen$major "
  run "$jdk" "$major" "class path" -cp "$main:$libraries/*" consumer.Main
  run "$jdk" "$major" "module path" -p "$main:$libraries" -m consumer/consumer.Main
  run "$jdk" "$major" "shaded" -jar "$build/target/consumer-1-shaded.jar"
done
if [ "$seen" = " " ]; then
  echo "consumer: found no JDK from 17 on; set JAVA_HOME" >&2
  exit 1
fi
[[ $seen == *" 25 "* ]] || echo "consumer: SKIPPED on JDK 25, which is not installed here"
