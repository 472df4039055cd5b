"""Training data, training and evaluation of the default model's adapter; not in the package."""
