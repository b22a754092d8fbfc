#!/usr/bin/env bash
# Compiles the avatar model, runs it on a picture, verifies it against onnxruntime and times it.
# Called by `make demo`, which sets up .venv and a WebGPU adapter first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

model=models/avatar_256_u8.onnx
picture=models/pictures/landmarks_real.png
artifact=build/avatar_256_u8
results=build/demo

step() { # shows the command as a reader would type it, runs it, keeps what it prints in $results
  local name=$1
  shift
  printf '\n$ onnx2wgsl %s\n' "$*"
  .venv/bin/onnx2wgsl "$@" | tee "$results/$name.txt"
}

last_line() { awk 'NF { line = $0 } END { print line }' "$results/$1.txt"; }

mkdir -p "$results"
step compile compile "$model" -o "$artifact"
step run run "$artifact" --input "input=$picture" --output-dir "$results"
step verify verify "$model"
step bench bench "$artifact"

speed=$(last_line bench)
printf '\n%s\n' "Done."
printf '  %-8s %s\n' \
  picture "$results/output.png, made from $picture" \
  verdict "$(last_line verify)" \
  speed "${speed%%;*}" \
  next "the same in a browser:   .venv/bin/onnx2wgsl serve $artifact" \
  "" "kernels, arena, bytes:   .venv/bin/onnx2wgsl inspect $artifact" \
  "" "all commands:            .venv/bin/onnx2wgsl --help"
