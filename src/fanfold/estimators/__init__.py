"""What is fitted: xgboost, and scikit-learn's regressors by name."""
