#!/usr/bin/env bash
# Installs Kubeflow Pipelines, standalone, into the namespace kubeflow of the cluster that a context
# of kubectl names, and fanfold's service account beside it. Run again, it mends what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

context=${1:?name the cluster: deploy/kfp.sh CONTEXT (kubectl config get-contexts lists them)}
version=${KFP_VERSION:-2.17.0}

kubectl() { command kubectl --context "$context" "$@"; }
in_kfp() { kubectl --namespace kubeflow "$@"; }
manifests() { # kubectl fetches them with git, for which 27 seconds are the default
    echo "github.com/kubeflow/pipelines/manifests/kustomize/$1?ref=$version&timeout=300"
}

kubectl apply --kustomize "$(manifests cluster-scoped-resources)"
kubectl wait crd/applications.app.k8s.io --for condition=Established --timeout 60s
kubectl apply --kustomize "$(manifests env/platform-agnostic)"
kubectl apply --filename deploy/fanfold.yaml

echo 'Waiting for Kubeflow Pipelines: the first time its images are pulled, which takes minutes'
in_kfp wait deployment --all --for condition=Available --timeout 20m
if [[ -n $(in_kfp get jobs --output name) ]]; then # such as the one that sets up its object store
    in_kfp wait job --all --for condition=Complete --timeout 5m
fi

# Every pod of a search passes Pod Security `restricted`. The namespace is KFP's too, so the
# cluster is asked whether KFP's pods pass as well, which only warnings tell.
level() { kubectl label namespace kubeflow --overwrite "pod-security.kubernetes.io/$1" "${@:2}"; }
in_the_way=$(level enforce=restricted --dry-run=server 2>&1 >/dev/null) || {
    echo "$in_the_way" >&2
    exit 1
}
if [[ -z $in_the_way ]]; then
    level enforce=restricted
else
    level enforce=baseline
    level warn=restricted
    echo "Pod Security stays at baseline, since pods of KFP $version do not pass restricted:"
    echo "$in_the_way"
fi
