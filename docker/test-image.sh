#!/usr/bin/env bash
# Builds the image and runs the tests of it: `make test-image`.
#
# On a machine with a Docker daemon and a network that is all. On a bare Debian one, as in CI:
# - where no daemon answers, dockerd is started, and stopped again at the end;
# - where the bases cannot be pulled, debootstrap makes two of this machine's own Debian: one with
#   python3, and one with what the build needs beside it;
# - pip's settings and the certificates of this machine are lent to the build, and stay out of the image.
# Where no daemon can be had it says so and ends well, but not with CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
daemon=
end() {
    if [[ $daemon ]]; then kill "$daemon" && wait "$daemon" || true; fi
    rm -rf "$scratch"
}
trap end EXIT

unavailable() {
    echo "The image is not tested: $1." >&2
    if [[ ${CI:-} == true ]]; then exit 1; fi
    exit 0
}

# The client's own BuildKit (up to Docker 20.10) or the plugin: the first `docker` that has one.
find_docker() {
    local each
    for each in $(type -ap docker); do
        if "$each" buildx version >/dev/null 2>&1 ||
            { DOCKER_BUILDKIT=1 "$each" build --help 2>/dev/null | grep -q -- --secret; }; then
            echo "$each"
            return
        fi
    done
}

start_daemon() {
    if [[ ! -x $(command -v dockerd) ]]; then
        unavailable 'no Docker daemon answers, and there is no dockerd (Debian: apt install docker.io)'
    elif ((EUID)); then
        unavailable 'no Docker daemon answers, and only root can start one'
    fi
    dockerd >"$scratch/dockerd.log" 2>&1 &
    daemon=$!
    for _ in {1..60}; do
        "$DOCKER" info >/dev/null 2>&1 && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 1
    done
    tail -n 20 "$scratch/dockerd.log" >&2
    unavailable 'dockerd does not start; its last words are above'
}

make_bases() {
    if [[ ! -x $(command -v debootstrap) ]] || ((EUID)); then
        unavailable 'the base cannot be pulled, and it takes root and debootstrap to make one'
    fi
    local tree=$scratch/base suite
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    debootstrap --variant=minbase --include=ca-certificates,python3 "$suite" "$tree" \
        >"$scratch/debootstrap.log" || { tail "$scratch/debootstrap.log" >&2 && exit 1; }
    tar -C "$tree" -c --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/man/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' . |
        "$DOCKER" import - "$BASE" >/dev/null
    chroot "$tree" apt-get install -qq --yes --no-install-recommends binutils python3-venv >/dev/null
    tar -C "$tree" -c . | "$DOCKER" import - "$BUILDER" >/dev/null
    rm -rf --one-file-system "$tree"
}

DOCKER=$(find_docker)
export DOCKER DOCKER_BUILDKIT=1
[[ $DOCKER ]] || unavailable 'there is no docker that can build with BuildKit'
"$DOCKER" info >/dev/null 2>&1 || start_daemon

arguments=(--network host)
if ! { "$DOCKER" pull --quiet python:3.12-slim && "$DOCKER" pull --quiet python:3.12; } >/dev/null 2>&1; then
    BASE=fanfold-test-base-python BUILDER=fanfold-test-builder-python
    "$DOCKER" image inspect "$BASE" "$BUILDER" >/dev/null 2>&1 || make_bases
    arguments+=(--build-arg "BASE=$BASE" --build-arg "BUILDER=$BUILDER")
fi

{
    echo '[global]'
    python3 -m pip config list |
        sed -nE "s/^[^=]*\.((extra-)?index-url|trusted-host|proxy|timeout|default-timeout)='(.*)'$/\1 = \3/p"
} >"$scratch/pip.conf"
certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
if [[ -f $certificates ]]; then
    echo 'cert = /run/secrets/ca.pem' >>"$scratch/pip.conf"
    arguments+=(--secret "id=ca.pem,src=$certificates")
fi
arguments+=(--secret "id=pip.conf,src=$scratch/pip.conf")

make --no-print-directory image DIRTY=1 ARGS="${arguments[*]}"
FANFOLD_TEST_IMAGE=$(make --no-print-directory image-name) .venv/bin/pytest -q -m image "$@"
