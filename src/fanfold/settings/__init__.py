"""What a person can set, and where a search may write."""
