"""What a search tells while it runs, and what a terminal shows of it."""
