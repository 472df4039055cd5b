"""The numbers that divide a step between prefill and decode, and the KV cache between sequences."""

from __future__ import annotations

# -- prefill and decode

# A sequence with up to this many pending tokens decodes: a sampled token and those forced after it.
# With more it is in prefill: of its prompt, or of all its tokens after a preemption.
MAX_DECODE_TOKENS = 32

# A sequence counts as a stream after this many decode steps. Until then short prompts are computed
# at once beside it, so that requests that arrive together start together.
MAX_STARTING_STEPS = 2

# A prefill of more tokens never runs at once beside another answer, not even a starting one.
MAX_SHORT_PREFILL_TOKENS = 128

# -- the KV cache

# Cells that are kept free for each running sequence when another one is admitted.
RESERVED_DECODE_CELLS = 32

# Idle prefixes beyond this many cells are offloaded: each cell in use makes every step slower.
MAX_IDLE_CELLS = 128

# Restoring a saved prefix must spare the prefill of more tokens than this to be worth its copy.
MIN_RESTORE_GAIN_TOKENS = 32

# Computing fewer tokens again is as fast as saving and restoring them.
MIN_OFFLOAD_TOKENS = 64

# -- diagnostics

# Tokens that a cache miss shows of the prompt and of the cached prefix, from where they differ.
SHOWN_MISS_TOKENS = 8
