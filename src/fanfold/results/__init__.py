"""The files of a finished search, its summary and its cost."""
