#!/usr/bin/env bash
# Makes the kind cluster `fanfold` on this machine, with a registry that it pulls from, Kubeflow
# Pipelines, and what a search needs there. Run again, it mends what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/kind/names.sh

for tool in docker kind kubectl git; do
    command -v "$tool" >/dev/null || {
        echo "error: $tool is not installed; deploy/kind/README.md says what is needed" >&2
        exit 1
    }
done

kind get clusters | grep -x "$cluster" >/dev/null ||
    kind create cluster --config deploy/kind/cluster.yaml --wait 5m

# In kind's network, where the nodes find it by its name. One that cannot start, as its port is
# taken, is removed: another start would try the same port.
if docker container inspect "$registry" >/dev/null 2>&1; then
    docker start "$registry"
else
    docker run --detach --name "$registry" --restart unless-stopped --network kind \
        --publish "127.0.0.1:$registry_port:5000" registry:3.0.0 || {
        docker rm --force "$registry" >/dev/null
        echo "error: no registry; if its port is taken: make kind-up REGISTRY_PORT=5002" >&2
        exit 1
    }
fi

# To a node localhost is the node itself: it has to be told where this localhost is.
folder=/etc/containerd/certs.d/$registry_address
for node in $(kind get nodes --name "$cluster"); do
    docker exec --interactive "$node" sh -c "mkdir -p '$folder' && cat >'$folder/hosts.toml'" \
        <<<"[host.\"http://$registry:5000\"]"
done

deploy/kfp.sh "$context"

# The keys of KFP's own object store, under a name of ours: another bucket's can take their place
# without KFP losing its own, and are kept. They pass from the cluster to the cluster.
kubectl --context "$context" --namespace kubeflow get secret "$s3_secret" >/dev/null 2>&1 ||
    kubectl --context "$context" --namespace kubeflow get secret mlpipeline-minio-artifact \
        --output go-template-file=deploy/kind/secret.gotemplate |
    kubectl --context "$context" apply --filename -

echo "Ready: make kind-run"
