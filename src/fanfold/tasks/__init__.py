"""What is predicted: its metrics."""
