"""Why a figure misses its aim, by the aim's name; the page prints it."""

SPINNING = (
    "llama.cpp's threads wait for each other by spinning, so on two cores whatever the gateway and"
    " the client do is taken from the model, some 0.4 ms a token. Tried: uvloop and httptools (no"
    " gain), pieces that travel together for 10, 20 and 30 ms (20 is kept), idle prefixes moved out"
    " of the context (5 to 10% beside 3,400 of their cells), what is loaded kept out of the garbage"
    " collector's sight"
)
COLD = (
    "each `llama_decode` moves 98 MB of weights through the caches, so all that Python touches next"
    " comes from memory: a draw takes 4 us in a warm loop, 28 us after a decode. Tried: a few"
    " hundred candidates for the sampler chain in place of 49,152 (a fifth of the time), penalties"
    " only for what was written, batch and logits as views that are kept, end tokens in a set"
)
CROWD = (
    "here the reading of the prompts is in the time, and the bare loop's is not; and each step ends"
    " with a chunk for every client, on the same two cores. Tried: requests that come together are"
    " read together, which gave 3 to 5%"
)
CLOSE = "within the noise between runs, 2 to 4%, of its aim"

REASONS: dict[str, str] = {
    "one stream / bare loop": SPINNING,
    "one stream / llama-server": CLOSE,
    "4 streams / bare batched loop": CROWD,
    "4 streams / llama-server": CLOSE,
    "8 streams / bare batched loop": CROWD,
    "8 streams / llama-server": CLOSE,
    "engine's own time a token, greedy, 1 at once": COLD,
    "engine's own time a token, sampled, 1 at once": COLD,
    "engine's own time a token, greedy, 8 at once": COLD,
    "engine's own time a token, sampled, 8 at once": COLD,
    "first forced token, 100 tools seen before, beyond reading": (
        "of it 4.7 ms is the gateway's own: 1.5 to read and check 60 kB of JSON, 2.4 to write the"
        " prompt, 0.8 to find the grammar; the rest is the worker, HTTP and the client. On a faster"
        " day the whole answer took 9.4 ms. Tried: whole grammars kept by content, schemas found"
        " right looked up first, a guard that takes apart only what has a token's first character"
        " (18 to 5 ms in the gateway)"
    ),
}
