"""What a chat template may do: it comes with a model, and nobody has vouched for it."""
