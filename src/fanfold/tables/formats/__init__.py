"""How each file format becomes batches: one small module a format."""
