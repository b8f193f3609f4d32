#!/usr/bin/env bash
# Builds the image and runs the pipeline on the kind cluster, on generated rows; arguments go to
# `fanfold submit`, and override what is given here; a file of settings overrides all of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/kind/reach.sh

settings=()
if [[ ! " $* " =~ \ --params[\ =] ]]; then
    for setting in data=sample:20000 max_tasks=4 \
        ledger="$ledger" s3_endpoint="$s3_endpoint" s3_secret="$s3_secret"; do
        # fanfold takes a setting once: one that is among the arguments is left to them.
        [[ " $*" =~ [\ =]${setting%%=*}= ]] || settings+=(--set "$setting")
    done
fi

.venv/bin/fanfold submit --host "$host" --image "$image" --service-account "$service_account" \
    --experiment kind --parallelism 2 ${settings[@]+"${settings[@]}"} --wait "$@"
