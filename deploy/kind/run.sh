#!/usr/bin/env bash
# Builds the image and runs the pipeline on the kind cluster, on generated rows; arguments go to
# `fanfold submit`, and override what is given here.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/kind/reach.sh

.venv/bin/fanfold submit --host "$host" --image "$image" --service-account "$service_account" \
    --experiment kind --parallelism 2 \
    --set data=sample:20000 --set max_tasks=4 \
    --set ledger="$ledger" --set s3_endpoint="$s3_endpoint" --set s3_secret="$s3_secret" \
    --wait "$@"
