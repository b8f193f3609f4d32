"""A search on this machine: in this process, or as the compiled pipeline through kfp.local."""
