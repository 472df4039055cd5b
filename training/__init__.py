"""What the default model's adapter is trained on, and how it is trained; no part of the package."""
