# shellcheck shell=bash disable=SC2034
# What is needed to build and test, how it is installed and how it is built; sourced by scripts/quickstart and scripts/test.
# Installing does nothing, and needs no network, when everything is there.

build_packages=(
  git                                                  # which files are the project's
  cmake ninja-build ccache                             # the build
  clang-22 lld-22 llvm-22-dev libmlir-22-dev mlir-22-tools liblld-22-dev # the compiler, and the libraries that ssmc stands on
  libcli11-dev nlohmann-json3-dev libboost-context-dev # command lines, JSON, fibers of the emulated device
  libsqlite3-dev                                       # the tuning database
  libgtest-dev libbenchmark-dev llvm-22-tools          # the tests' and benchmarks' libraries; lit and FileCheck
  python3                                              # examples and checks; the standard library is enough
)
example_packages=(alsa-utils)                          # the recording of a voice that the speech example reads
test_packages=(clang-format-22 libclang-rt-22-dev python3-psutil python3-venv) # formatting; sanitizers; lit's time limits
browser_packages=(chromium-headless-shell)             # draws the report of ssmc explore; its test is left out without

# missing_packages NAME...: prints those that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

# retry COMMAND...: mirrors fail now and then; three tries, with a pause that grows.
retry() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    [ "$try" = 3 ] || { echo "failed (try $try of 3): $*" >&2; sleep $((try * 5)); }
  done
  return 1
}

# install_packages NAME...: apt-get installs what is missing, as root or through sudo.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "warning: no apt-get here; going on with what is installed. Debian 12 names what is needed so: $*" >&2
    return 0
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "error: not root, and no sudo to install: ${missing[*]}" >&2; return 1; }
    apt=(sudo "${apt[@]}")
  fi
  echo "installing: ${missing[*]}"
  retry "${apt[@]}" update || return 1
  retry "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null </dev/null ||
    { echo "error: could not install ${missing[*]} (they come from Debian 12, bookworm and bookworm-security)" >&2; return 1; }
}

# make_venv FOLDER PACKAGE...: a Python environment with packages of PyPI; does nothing where it has them.
make_venv() {
  local folder=$1
  shift
  "$folder/bin/python3" -c "import $(IFS=,; echo "$*")" 2>/dev/null && return 0
  python3 -m venv "$folder" && retry "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check "$@"
}

# configure_and_build PRESET [OPTION...] [--target NAME...]: CMake's own output is shown only where it fails.
configure_and_build() {
  local preset=$1 options=() log
  shift
  while [ $# -gt 0 ] && [ "$1" != --target ]; do
    options+=("$1")
    shift
  done
  log=$(mktemp)
  if ! cmake --preset "$preset" "${options[@]}" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  cmake --build --preset "$preset" "$@"
}
