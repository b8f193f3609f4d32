# shellcheck shell=bash disable=SC2034  # what the scripts beside this one call things
cluster=fanfold
context=kind-$cluster
registry=fanfold-registry
registry_port=${REGISTRY_PORT:-5001}
registry_address=localhost:$registry_port
ui_port=${UI_PORT:-8080}
service_account=fanfold
# In KFP's own object store.
ledger=s3://mlpipeline/fanfold/ledger
s3_endpoint=http://seaweedfs.kubeflow:9000
s3_secret=fanfold-s3
