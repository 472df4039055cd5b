"""Why figures miss their targets, by the name of the figure; the page prints it."""

SPINNING = (
    "llama.cpp's threads spin while they wait for each other, so on two cores all work of the"
    " gateway and the client slows the model down, by some 0.4 ms per token. Tried: uvloop and"
    " httptools (no gain); deltas grouped for 10, 20 and 30 ms (20 is in use); idle prefixes moved"
    " out of the KV cache (5 to 10% with 3,400 cells of them); permanent objects frozen for the"
    " garbage collector"
)
CACHE_MISSES = (
    "each `llama_decode` moves 98 MB of weights through the CPU caches, so that Python's code and"
    " data come from main memory afterwards; the column with warm caches shows the difference."
    " Tried: a few hundred candidates for the sampler chain instead of 49,152 (saves a fifth);"
    " penalties only for tokens that occurred; persistent views of batch and logits; a third fewer"
    " calls for each step (saves an eighth); mypyc, sampling in one call of llama.cpp, and its"
    " backend samplers (no gain, see decisions.md)"
)
PREFILL = (
    "the time includes the prefill of the prompts, which that of the bare loop does not; and each"
    " step ends with a chunk for every client on the same two cores. Tried: prefill of simultaneous"
    " requests in one batch, which gained 3 to 5%"
)
NOISE = "within the noise between runs, 2 to 4%, of its target"

REASONS: dict[str, str] = {
    "one stream / bare loop": SPINNING,
    "one stream / llama-server": NOISE,
    "4 streams / bare batched loop": PREFILL,
    "4 streams / llama-server": NOISE,
    "8 streams / bare batched loop": PREFILL,
    "8 streams / llama-server": NOISE,
    "engine overhead per token, greedy, 1 sequence": CACHE_MISSES,
    "engine overhead per token, sampled, 1 sequence": CACHE_MISSES,
    "engine overhead per token, greedy, 8 sequences": CACHE_MISSES,
    "engine overhead per token, sampled, 8 sequences": CACHE_MISSES,
    "first forced token, 100 tools seen before, without prefill": (
        "4.7 ms of it are the gateway: 1.5 to read and check 60 kB of JSON, 2.4 to render the"
        " prompt, 0.8 to look up the grammar; the rest is the worker, HTTP and the client. On a"
        " faster day the whole answer took 9.4 ms. Tried: an LRU cache of whole grammars; a lookup"
        " of valid schemas before the check; escaping of special tokens only where their first"
        " character occurs (18 to 5 ms in the gateway)"
    ),
}
