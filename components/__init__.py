"""What Kubeflow Pipelines sees of fanfold: one folder a step, each of them usable alone."""
