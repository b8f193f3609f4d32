"""The pipelines: the order of the steps, and what each may use of a cluster."""
