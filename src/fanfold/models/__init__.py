"""The trained model: train, save, load, predict a table."""
