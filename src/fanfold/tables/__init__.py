"""Rows in: formats, batches, the target expression, the split, the generated sample."""
