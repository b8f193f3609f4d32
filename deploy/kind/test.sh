#!/usr/bin/env bash
# Builds the image and tests the pipeline on the kind cluster: `make test-cluster`, whose ARGS
# make hands on.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/kind/reach.sh

make --no-print-directory test-cluster KFP_HOST="$host" IMAGE="$image" \
    SERVICE_ACCOUNT="$service_account" \
    LEDGER="$ledger" LEDGER_ENDPOINT="$s3_endpoint" LEDGER_SECRET="$s3_secret"
