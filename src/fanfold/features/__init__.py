"""A table becomes a corpus, and a corpus becomes matrices that each fold learns by itself."""
