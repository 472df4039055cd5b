from __future__ import annotations

from collections import defaultdict

import msgspec
import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Accepted, Delta, Generation, Interruption, Tokens
from gateway.engine.protocol import (
    Cancel,
    Detokenize,
    Failed,
    FromWorker,
    Generate,
    Pieces,
    PromptTooLong,
    Rejected,
    Reply,
    Tokenize,
)
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.thread_tuner import ThreadTuner
from tests.worker.fake_llama import (
    COPIER,
    END,
    VOCABULARY,
    FakeLlama,
    alone,
    ask,
    changed,
    delta_of,
    deltas_of,
    matcher_for,
    predict,
)

CELLS = 100


@pytest.fixture
def llama() -> FakeLlama:
    return FakeLlama(CELLS)


@pytest.fixture
def loop(llama: FakeLlama) -> GenerationLoop:
    return GenerationLoop(llama, matcher_for)


def run(loop: GenerationLoop, *job: Generate) -> dict[int, list[Delta]]:
    """The deltas of each request."""
    posts: list[FromWorker] = []
    for one in job:
        accepted, *at_once = loop.take(one)
        assert isinstance(accepted, Reply)
        assert isinstance(accepted.value, Accepted)
        posts += at_once
    while not loop.is_idle:
        posts += loop.step()
    deltas = defaultdict(list)
    for post in posts:
        assert isinstance(post, Reply)
        deltas[post.id].append(delta_of(post))
    return deltas


def answer(loop: GenerationLoop, job: Generate) -> tuple[list[int], str | None]:
    deltas = run(loop, job)[job.id]
    return [int(token) for delta in deltas for token in delta.text.split()], deltas[-1].finish


def prompt_that(leads_to: str, *, grammar: str | None = None, at_least: int = 1) -> list[int]:
    """A prompt whose answer and finish end with `leads_to`, after at least `at_least` tokens."""
    for i in range(1, 100_000):
        prompt = [1 + i % 31, 1 + i // 31 % 31, 1 + i // 31**2]
        tokens, finish = alone(ask(0, prompt, grammar=grammar), CELLS)
        written = " ".join(map(str, [*tokens, finish]))
        if written.endswith(leads_to) and len(tokens) >= at_least:
            return prompt
    raise AssertionError("there is no such prompt")


def test_a_prompt_has_the_tokens_that_an_answer_counts(loop: GenerationLoop) -> None:
    job = ask(1, [3, 1, 4, 1, 5])
    [tokenized] = loop.take(Tokenize(2, job.request.prompt))
    assert tokenized == Reply(2, Tokens([3, 1, 4, 1, 5]))
    assert loop.is_idle
    [accepted, *_] = loop.take(job)
    assert accepted == Reply(1, Accepted(5))


def test_a_prompt_is_told_how_much_of_it_is_cached(loop: GenerationLoop) -> None:
    prompt = [3, 1, 4, 1, 5]
    run(loop, ask(1, prompt, max_tokens=1))
    [other] = loop.take(Tokenize(2, [3, 1, 4, 2]))
    assert other == Reply(2, Tokens([3, 1, 4, 2], 3))
    [same] = loop.take(Tokenize(3, [*prompt]))
    [delta] = run(loop, ask(4, prompt, max_tokens=1))[4]
    assert same == Reply(3, Tokens(prompt, delta.cached_tokens))


def test_tokens_have_bytes(loop: GenerationLoop) -> None:
    assert loop.take(Detokenize(1, [3, 14])) == [Reply(1, Pieces([b"3 ", b"14 "]))]
    assert loop.is_idle


@pytest.mark.parametrize("token", [-1, VOCABULARY])
def test_a_token_beyond_the_vocabulary_has_no_bytes(loop: GenerationLoop, token: int) -> None:
    reason = "a token id is beyond the vocabulary, 0 to 31"
    assert loop.take(Detokenize(1, [3, token])) == [Reply(1, Rejected(reason))]


# -- finish reasons


def test_an_answer_that_fills_the_context_finishes_with_length(loop: GenerationLoop) -> None:
    prompt = prompt_that("length")
    tokens, finish = answer(loop, ask(0, prompt))
    assert (len(tokens), finish) == (CELLS - len(prompt), "length")


def test_an_end_token_adds_no_text_and_finishes_with_stop(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=3)
    tokens, finish = answer(loop, ask(0, prompt))
    assert predict(prompt + tokens) == END
    assert (END not in tokens, finish) == (True, "stop")


def test_max_tokens_finishes_with_length(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=3)
    whole, _ = answer(loop, ask(0, prompt))
    assert answer(loop, ask(1, prompt, max_tokens=2)) == (whole[:2], "length")
    assert answer(loop, ask(2, prompt, max_tokens=len(whole))) == (whole, "length")
    assert answer(loop, ask(3, prompt, max_tokens=len(whole) + 1)) == (whole, "stop")


def test_max_tokens_zero_generates_nothing(loop: GenerationLoop) -> None:
    assert answer(loop, ask(0, [1, 2], max_tokens=0)) == ([], "length")


def test_a_prompt_that_leaves_one_cell_gets_one_token(loop: GenerationLoop) -> None:
    tokens, _ = answer(loop, ask(0, [5] * (CELLS - 1)))
    assert len(tokens) <= 1
    assert loop.take(ask(1, [5] * CELLS)) == [Reply(1, PromptTooLong(CELLS, CELLS))]


# -- grammars


def test_a_complete_grammar_finishes_with_stop_even_at_max_tokens(
    loop: GenerationLoop,
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    whole, finish = answer(loop, ask(0, prompt, grammar="fives"))
    assert whole[-4:] == [30, 1, 2, 3]
    assert finish == "stop"
    exactly = ask(1, prompt, grammar="fives", max_tokens=len(whole))
    assert answer(loop, exactly) == (whole, "stop")


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_forced_tokens_cut_by_max_tokens_finish_with_length(
    loop: GenerationLoop, missing: int
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    whole, _ = answer(loop, ask(0, prompt, grammar="fives"))
    max_tokens = len(whole) - missing
    cut = ask(1, prompt, grammar="fives", max_tokens=max_tokens)
    assert answer(loop, cut) == (whole[:max_tokens], "length")


def test_a_forced_end_token_ends_the_answer(loop: GenerationLoop) -> None:
    prompt = prompt_that("30 1 stop", grammar="fives, then an end token")
    tokens, finish = answer(loop, ask(0, prompt, grammar="fives, then an end token"))
    assert (tokens[-2:], finish) == ([30, 1], "stop")


def test_forced_tokens_come_in_one_delta_and_are_decoded_in_one_step(
    loop: GenerationLoop, llama: FakeLlama
) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    deltas = run(loop, ask(0, prompt, grammar="fives"))[0]
    ahead = [delta for delta in deltas if delta.tokens > 1]
    assert ahead
    assert {delta.text.split(maxsplit=1)[1] for delta in ahead} == {"1 2 3 "}
    assert sum(len(batch[0].tokens) == 4 for batch in llama.batches) == len(ahead)


@pytest.mark.parametrize("fast_forward", [True, False])
def test_forced_counts_the_tokens_that_were_not_sampled(
    loop: GenerationLoop, *, fast_forward: bool
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives", at_least=10)
    deltas = run(loop, ask(0, prompt, grammar="fives", fast_forward=fast_forward))[0]
    tokens = [int(token) for delta in deltas for token in delta.text.split()]
    drawn_fives = [i for i, token in enumerate(tokens) if token % 5 == 0]
    assert sum(delta.forced for delta in deltas) == 3 * len(drawn_fives)
    cut = run(loop, ask(1, prompt, max_tokens=0))[1]
    assert [(delta.tokens, delta.forced) for delta in cut] == [(0, 0)]


def test_stats_count_sequences_cells_steps_and_tokens(loop: GenerationLoop) -> None:
    job = [ask(i, [i + 1] * 30) for i in range(5)]
    for one in job:
        loop.take(one)
    loop.step()
    busy = loop.stats()
    assert busy.running + busy.waiting == len(job)
    assert busy.waiting > 0
    assert 0 < busy.kv_cells_used <= CELLS
    posts: list[FromWorker] = []
    while not loop.is_idle:
        posts += loop.step()
    rest = loop.stats()
    assert (rest.running, rest.waiting) == (0, 0)
    assert rest.idle_prefixes > 0
    assert rest.tokens - busy.tokens == sum(delta.tokens for _, delta in deltas_of(posts))
    assert rest.steps > busy.steps == 1


def test_forced_tokens_at_the_end_are_decoded_for_the_next_prompt(
    loop: GenerationLoop, llama: FakeLlama
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    first = run(loop, ask(0, prompt, grammar="fives"))[0]
    history = [*prompt, *(int(token) for delta in first for token in delta.text.split())]
    assert first[-1].tokens == 4
    assert llama.holds(0) == history
    assert run(loop, ask(1, [*history, 9]))[1][0].cached_tokens == len(history)


def test_without_fast_forward_each_token_is_sampled(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    whole = answer(loop, ask(0, prompt, grammar="fives"))
    slow = ask(1, prompt, grammar="fives", fast_forward=False)
    assert answer(loop, slow) == whole
    slow = ask(2, prompt, grammar="fives", fast_forward=False)
    assert all(delta.tokens <= 1 for delta in run(loop, slow)[2])


def test_logprobs_come_for_each_token(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    deltas = run(loop, ask(0, prompt, grammar="fives", top_logprobs=1))[0]
    assert all(len(delta.logprobs) == delta.tokens for delta in deltas)
    text = "".join(delta.text for delta in deltas)
    assert text == "".join(logprob.token for delta in deltas for logprob in delta.logprobs)


@pytest.mark.parametrize("fast_forward", [True, False])
def test_token_details_add_up_to_the_answer(loop: GenerationLoop, *, fast_forward: bool) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives", at_least=10)
    job = ask(0, prompt, grammar="fives", fast_forward=fast_forward)
    plain = run(loop, job)[0]
    asked = msgspec.structs.replace(job.request, token_details=True)
    deltas = run(loop, Generate(1, asked))[1]
    assert [delta.details for delta in plain] == [()] * len(plain)
    details = [detail for delta in deltas for detail in delta.details]
    assert "".join(detail.text for detail in details) == "".join(delta.text for delta in plain)
    assert [detail.text for detail in details] == [f"{detail.id} " for detail in details]
    forced = [sum(detail.is_forced for detail in delta.details) for delta in deltas]
    assert forced == [delta.forced for delta in plain]
    likeliest = pytest.approx(np.e / (np.e + VOCABULARY - 1))  # its logit is 1, all others are 0
    sampled = [detail.probability for detail in details if not detail.is_forced]
    assert sampled == [likeliest] * len(sampled)
    ahead = {detail.probability for detail in details if detail.is_forced}
    assert (ahead == {None}) == fast_forward


# -- interruptions


def interrupts(max_tokens: int, insert: list[str | int], *closes: str) -> Interruption:
    return Interruption(max_tokens, [], [*closes, "31 31 "], insert, is_open=True)


def test_an_interruption_closes_a_passage_that_is_too_long(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=12)
    whole, _ = answer(loop, ask(0, prompt))
    deltas = run(loop, ask(1, prompt, interruption=interrupts(5, [31, 31, 4])))[1]
    tokens = [int(token) for delta in deltas for token in delta.text.split()]
    assert tokens[:8] == [*whole[:5], 31, 31, 4]
    assert tokens[8:] == alone(ask(2, [*prompt, *tokens[:8]]), CELLS)[0] != []
    assert sum(delta.tokens for delta in deltas) == len(tokens)


def test_an_interruption_comes_in_one_delta_and_is_flagged_from_then_on(
    loop: GenerationLoop,
) -> None:
    job = ask(0, prompt_that("stop", at_least=12), interruption=interrupts(5, [31, 31]))
    deltas = run(loop, job)[0]
    assert [delta.text for delta in deltas].index("31 31 ") == 5
    assert [delta.was_interrupted for delta in deltas] == [False] * 5 + [True] * (len(deltas) - 5)


def test_an_interruption_with_a_budget_of_zero_comes_first(loop: GenerationLoop) -> None:
    job = ask(0, [1, 2], interruption=interrupts(0, [31, 31]))
    assert run(loop, job)[0][0].text == "31 31 "


def test_a_passage_that_the_model_closes_is_not_interrupted(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=12)
    whole = answer(loop, ask(0, prompt))
    closes = f"{whole[0][3]} "
    job = ask(1, prompt, interruption=interrupts(5, [31, 31], closes))
    assert answer(loop, job) == whole
    job = ask(2, prompt, interruption=interrupts(len(whole[0]) + 1, [31, 31]))
    assert answer(loop, job) == whole


@pytest.mark.parametrize("max_tokens", [5, 6])
def test_an_interruption_cut_by_max_tokens_finishes_with_length(
    loop: GenerationLoop, max_tokens: int
) -> None:
    prompt = prompt_that("stop", at_least=12)
    job = ask(0, prompt, max_tokens=max_tokens, interruption=interrupts(5, [31, 31]))
    tokens, finish = answer(loop, job)
    assert (len(tokens), tokens.count(31), finish) == (max_tokens, max_tokens - 5, "length")


def test_an_interruption_waits_until_the_grammar_allows_it(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=20)
    whole, _ = answer(loop, ask(0, prompt, grammar="fives"))
    five = next(i for i, token in enumerate(whole) if token % 5 == 0)
    for max_tokens in range(five + 1, five + 4):
        for is_fast in (True, False):
            job = ask(
                1,
                prompt,
                grammar="fives",
                fast_forward=is_fast,
                interruption=interrupts(max_tokens, [31, 31]),
            )
            tokens, _ = answer(loop, job)
            assert tokens[: five + 6] == [*whole[: five + 4], 31, 31]


def test_the_grammar_continues_after_an_interruption(loop: GenerationLoop) -> None:
    job = ask(0, [1, 2], grammar="fives", interruption=interrupts(0, [31, 31, 5]))
    assert run(loop, job)[0][0].text == "31 31 5 1 2 3 "


def test_logprobs_come_for_an_interruption(loop: GenerationLoop) -> None:
    job = ask(0, prompt_that("stop", at_least=12), interruption=interrupts(5, [31, 31]))
    quick = "".join(delta.text for delta in run(loop, job)[0])
    deltas = run(loop, changed(job, top_logprobs=1))[0]
    assert "".join(delta.text for delta in deltas) == quick
    assert all(len(delta.logprobs) == delta.tokens for delta in deltas)
    forced = [logprob for delta in deltas for logprob in delta.logprobs][5:7]
    assert all(
        logprob.token == "31 " and logprob.logprob < logprob.top[0].logprob for logprob in forced
    )


class Halves(FakeLlama):
    """An even token starts a character of two bytes, an odd one ends it."""

    def piece(self, token: int) -> bytes:
        return super().piece(token) if token == 31 else b"\xa9" if token % 2 else b"\xc3"


def test_an_interruption_waits_for_the_end_of_a_character() -> None:
    prompt = prompt_that("stop", at_least=12)
    whole, _ = alone(ask(0, prompt), CELLS)
    ends = [0, *(i + 1 for i, token in enumerate(whole) if token % 2)]
    for max_tokens in range(10):
        job = ask(0, prompt, interruption=interrupts(max_tokens, [31, 31]))
        deltas = run(GenerationLoop(Halves(CELLS), matcher_for), job)[0]
        written = [delta for delta in deltas if not delta.was_interrupted]
        assert len(written) == min(end for end in ends if end >= max_tokens)


# -- many requests


def test_sixteen_unlimited_answers_share_a_small_context() -> None:
    llama = FakeLlama(CELLS)
    loop = GenerationLoop(llama, matcher_for)
    prompts = [[1 + i, 2, 3, *range(1, 20)] for i in range(16)]
    deltas = run(loop, *(ask(i, prompt) for i, prompt in enumerate(prompts)))
    for i, prompt in enumerate(prompts):
        tokens, finish = alone(ask(i, prompt), CELLS)
        assert [int(t) for delta in deltas[i] for t in delta.text.split()] == tokens
        assert deltas[i][-1].finish == finish


def test_more_requests_than_slots_are_queued(loop: GenerationLoop) -> None:
    deltas = run(loop, *(ask(i, [1 + i % 31, 2], max_tokens=2) for i in range(40)))
    assert len(deltas) == 40


def test_a_preempted_sequence_is_computed_again_and_continues() -> None:
    llama = FakeLlama(CELLS)
    loop = GenerationLoop(llama, matcher_for)
    old = prompt_that("length")
    young = prompt_that("stop", at_least=60)
    deltas = run(loop, ask(0, old), ask(1, young))
    starts = [item.start for batch in llama.batches for item in batch if item.sequence.id == 1]
    assert starts.count(0) == 2
    for id, prompt in enumerate((old, young)):
        tokens, finish = alone(ask(id, prompt), CELLS)
        assert [int(token) for delta in deltas[id] for token in delta.text.split()] == tokens
        assert deltas[id][-1].finish == finish


def test_a_follow_up_is_cached_up_to_its_new_text(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=5)
    first = run(loop, ask(0, prompt))[0]
    assert first[-1].cached_tokens == 0
    tokens, _ = alone(ask(0, prompt), CELLS)
    second = run(loop, ask(1, [*prompt, *tokens, 9, 9]))[1]
    assert {delta.cached_tokens for delta in second} == {len(prompt) + len(tokens)}


def test_a_cancel_frees_the_slot_for_a_waiting_request() -> None:
    loop = GenerationLoop(FakeLlama(CELLS, slots=1), matcher_for)
    loop.take(ask(0, prompt_that("length")))
    loop.take(ask(1, [1, 2]))
    assert {id for id, _ in deltas_of(loop.step())} == {0}
    loop.take(Cancel(0))
    assert {id for id, _ in deltas_of(loop.step())} == {1}


def test_a_cancel_may_come_late_or_twice(loop: GenerationLoop) -> None:
    loop.take(ask(0, [1, 2]))
    assert loop.take(Cancel(0)) == loop.take(Cancel(0)) == loop.take(Cancel(7)) == []
    assert loop.is_idle


def test_slow_steps_change_the_number_of_threads() -> None:
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += 0.5 if tuner.count == 2 else 0.01
        return now_s

    tuner, llama = ThreadTuner(2, clock=lambda: now_s), FakeLlama(CELLS)
    loop = GenerationLoop(llama, matcher_for, clock=clock, thread_tuner=tuner)
    run(loop, ask(0, prompt_that("stop", at_least=10)))
    assert llama.threads[:2] == [2, 1]


# -- errors


def test_an_error_in_one_answer_ends_only_that_one(loop: GenerationLoop) -> None:
    other = prompt_that("length")
    loop.take(ask(0, prompt_that("stop", grammar="fives", at_least=10), grammar="stuck"))
    loop.take(ask(1, other))
    posts: list[FromWorker] = []
    while not loop.is_idle:
        posts += loop.step()
    rejected = [p for p in posts if isinstance(p, Reply) and isinstance(p.value, Rejected)]
    assert rejected == [Reply(0, Rejected("too complex", "unsupported_schema"))]
    text = "".join(delta.text for id, delta in deltas_of(posts) if id == 1)
    assert [int(t) for t in text.split()] == alone(ask(1, other), CELLS)[0]


def test_an_answer_whose_grammar_is_given_up_goes_on(loop: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=10)
    last = run(loop, ask(0, prompt, grammar="gives up"))[0][-1]
    assert last.finish == "stop"
    assert last.grammar_failure == "too complex"


def test_a_grammar_that_can_not_be_compiled_is_rejected(loop: GenerationLoop) -> None:
    reply = loop.take(ask(0, [1], grammar="nonsense"))
    assert reply == [Reply(0, Rejected("no grammar nonsense", "unsupported_schema"))]
    assert loop.is_idle


def test_an_empty_prompt_is_rejected(loop: GenerationLoop) -> None:
    assert loop.take(ask(0, [])) == [Reply(0, Rejected("the prompt is empty"))]


@pytest.mark.parametrize("token", [-1, VOCABULARY])
def test_a_token_beyond_the_vocabulary_is_rejected(loop: GenerationLoop, token: int) -> None:
    reason = f"a token id is beyond the vocabulary, 0 to {VOCABULARY - 1}"
    assert loop.take(ask(0, [1, token])) == [Reply(0, Rejected(reason))]
    assert loop.is_idle


def test_echo_returns_the_text_of_the_prompt(loop: GenerationLoop) -> None:
    first = loop.take(ask(0, [1, 2], echo=True))[0]
    assert first == Reply(0, Accepted(2, "1 2 "))


def test_a_job_that_fails_to_begin_leaves_nothing_behind(loop: GenerationLoop) -> None:
    sampling = Sampling(seed="x")  # type: ignore[arg-type]
    [post] = loop.take(Generate(0, Generation([1], sampling)))
    assert isinstance(post, Reply)
    assert isinstance(post.value, Failed)
    assert loop.is_idle


# -- speculative decoding


def steps(llama: FakeLlama, job: Generate) -> int:
    run(GenerationLoop(llama, matcher_for), job)
    return len(llama.batches)


def test_accepted_draft_tokens_save_steps() -> None:
    prompt = [COPIER, *range(1, 20), COPIER, *range(1, 7)]
    without = steps(FakeLlama(), ask(0, prompt, max_tokens=12))
    with_draft = steps(FakeLlama(), ask(0, prompt, max_tokens=12, draft_tokens=8))
    assert with_draft < without == 12


def test_drafts_are_verified_only_if_one_sequence_runs() -> None:
    llama = FakeLlama()
    prompt = [COPIER, *range(1, 20), COPIER, *range(1, 7)]
    run(
        GenerationLoop(llama, matcher_for),
        *(ask(i, prompt, max_tokens=4, draft_tokens=8) for i in range(2)),
    )
    assert all(len(item.tokens) == 1 for batch in llama.batches[1:] for item in batch)


# -- before the first step


def test_forced_tokens_at_the_start_come_before_any_step(
    loop: GenerationLoop, llama: FakeLlama
) -> None:
    _, post = loop.take(ask(0, [1, 2], grammar="seven, then fives"))
    delta = delta_of(post)
    assert (delta.text, delta.finish, llama.batches) == ("7 ", None, [])
    loop.step()
    assert llama.batches[0][0].tokens == [1, 2, 7]


def test_max_tokens_holds_for_forced_tokens_at_the_start(
    loop: GenerationLoop, llama: FakeLlama
) -> None:
    _, post = loop.take(ask(0, [1, 2], grammar="seven, then fives", max_tokens=1))
    delta = delta_of(post)
    assert (delta.text, delta.finish, loop.is_idle) == ("7 ", "length", True)


# -- long prompts


def test_a_long_prompt_that_was_prepared_is_not_tokenized_again(
    llama: FakeLlama, loop: GenerationLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.loop.LONG", 3)
    message = Tokenize(1, ["text", 3, 1, 4])
    assert loop.is_costly(message)
    tokens = loop.prepare(message)
    llama.tokenize = None  # type: ignore[assignment, method-assign]
    assert loop.take(message, tokens) == [Reply(1, Tokens([3, 1, 4]))]


def test_a_short_prompt_is_not_prepared(loop: GenerationLoop) -> None:
    message = Tokenize(1, ["text", 3, 1, 4])
    assert not loop.is_costly(message)
    assert loop.prepare(message) is None
