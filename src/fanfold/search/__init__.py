"""The search: grid, candidates, fits on folds, selection, and the estimate of its cost."""
