# shellcheck shell=bash disable=SC2034  # for the scripts beside this one, which get `image` and `host`
# Builds the image, pushes it to the registry of the kind cluster, and forwards a port to KFP
# there for as long as the script runs that asks for it.
source deploy/kind/names.sh

# ARGS is empty: make would hand its own to the one that builds.
make --no-print-directory push REGISTRY="$registry_address" ARGS=
tag=$(make --silent image-name REGISTRY="$registry_address")
# By digest: an image of uncommitted changes has the same tag every time, and the node keeps its first.
image=$(docker inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$tag" |
    grep --max-count 1 "^$registry_address/")

host=http://localhost:$ui_port
answers() { curl --silent --fail --output /dev/null "$host/apis/v2beta1/healthz"; }
script=${0##*/}
another_port="use another one: make kind-${script%.sh} UI_PORT=8081"
fail() {
    echo "error: $1" >&2
    exit 1
}
! answers || fail "port $ui_port is taken; $another_port" # by another KFP, say
kubectl --context "$context" --namespace kubeflow port-forward --address 127.0.0.1 \
    service/ml-pipeline-ui "$ui_port:80" >/dev/null &
forward=$!
trap 'kill "$forward" 2>/dev/null || true' EXIT
for _ in {1..60}; do
    sleep 1
    kill -0 "$forward" 2>/dev/null ||
        fail "port $ui_port is not forwarded, for what kubectl says above; if it is taken, $another_port"
    if answers; then break; fi
done
answers || fail "KFP does not answer on the forwarded port; see kubectl --context $context -n kubeflow get pods"
