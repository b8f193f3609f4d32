#!/usr/bin/env bash
# Removes the kind cluster with all that it holds, and its registry with the images.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/kind/names.sh

kind delete cluster --name "$cluster"
docker rm --force --volumes "$registry"
