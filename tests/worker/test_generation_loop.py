from __future__ import annotations

from collections import defaultdict

import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Accepted, Delta, Generation, Interruption
from gateway.engine.protocol import (
    Cancel,
    Failed,
    FromWorker,
    Generate,
    PromptTooLong,
    Rejected,
    Reply,
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
    delta,
    deltas,
    guide,
    predict,
)

CELLS = 100


@pytest.fixture
def llama() -> FakeLlama:
    return FakeLlama(CELLS)


@pytest.fixture
def worker(llama: FakeLlama) -> GenerationLoop:
    return GenerationLoop(llama, guide)


def pieces(worker: GenerationLoop, *asked: Generate) -> dict[int, list[Delta]]:
    """What each of `asked` gets."""
    posts: list[FromWorker] = []
    for one in asked:
        accepted, *at_once = worker.take(one)
        assert isinstance(accepted, Reply)
        assert isinstance(accepted.value, Accepted)
        posts += at_once
    while not worker.is_idle:
        posts += worker.step()
    got = defaultdict(list)
    for post in posts:
        assert isinstance(post, Reply)
        got[post.id].append(delta(post))
    return got


def answer(worker: GenerationLoop, asked: Generate) -> tuple[list[int], str | None]:
    got = pieces(worker, asked)[asked.id]
    return [int(token) for piece in got for token in piece.text.split()], got[-1].finish


def prompt_that(leads_to: str, *, grammar: str | None = None, at_least: int = 1) -> list[int]:
    """A prompt whose answer and finish end as wanted, after at least so many tokens."""
    for i in range(1, 100_000):
        prompt = [1 + i % 31, 1 + i // 31 % 31, 1 + i // 31**2]
        tokens, finish = alone(ask(0, prompt, grammar=grammar), CELLS)
        written = " ".join(map(str, [*tokens, finish]))
        if written.endswith(leads_to) and len(tokens) >= at_least:
            return prompt
    raise AssertionError("no prompt does that")


# -- how an answer ends


def test_an_answer_that_outgrows_the_cells_ends_with_length(worker: GenerationLoop) -> None:
    prompt = prompt_that("length")
    tokens, finish = answer(worker, ask(0, prompt))
    assert (len(tokens), finish) == (CELLS - len(prompt), "length")


def test_an_end_token_writes_nothing_and_ends_with_stop(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=3)
    tokens, finish = answer(worker, ask(0, prompt))
    assert predict(prompt + tokens) == END
    assert (END not in tokens, finish) == (True, "stop")


def test_max_tokens_ends_with_length(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=3)
    whole, _ = answer(worker, ask(0, prompt))
    assert answer(worker, ask(1, prompt, max_tokens=2)) == (whole[:2], "length")
    assert answer(worker, ask(2, prompt, max_tokens=len(whole))) == (whole, "length")
    assert answer(worker, ask(3, prompt, max_tokens=len(whole) + 1)) == (whole, "stop")


def test_no_tokens_are_none(worker: GenerationLoop) -> None:
    assert answer(worker, ask(0, [1, 2], max_tokens=0)) == ([], "length")


def test_a_prompt_that_leaves_room_for_one_token_gets_one(worker: GenerationLoop) -> None:
    tokens, _ = answer(worker, ask(0, [5] * (CELLS - 1)))
    assert len(tokens) <= 1
    assert worker.take(ask(1, [5] * CELLS)) == [Reply(1, PromptTooLong(CELLS, CELLS))]


# -- grammars


def test_what_a_grammar_completes_ends_with_stop_though_max_tokens_is_met(
    worker: GenerationLoop,
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    whole, finish = answer(worker, ask(0, prompt, grammar="fives"))
    assert whole[-4:] == [30, 1, 2, 3]
    assert finish == "stop"
    exactly = ask(1, prompt, grammar="fives", max_tokens=len(whole))
    assert answer(worker, exactly) == (whole, "stop")


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_what_max_tokens_cuts_out_of_forced_tokens_ends_with_length(
    worker: GenerationLoop, missing: int
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    whole, _ = answer(worker, ask(0, prompt, grammar="fives"))
    most = len(whole) - missing
    cut = ask(1, prompt, grammar="fives", max_tokens=most)
    assert answer(worker, cut) == (whole[:most], "length")


def test_an_end_token_that_is_forced_ends_the_answer(worker: GenerationLoop) -> None:
    prompt = prompt_that("30 1 stop", grammar="fives, then an end token")
    tokens, finish = answer(worker, ask(0, prompt, grammar="fives, then an end token"))
    assert (tokens[-2:], finish) == ([30, 1], "stop")


def test_forced_tokens_come_in_one_piece_and_are_read_in_one_step(
    worker: GenerationLoop, llama: FakeLlama
) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    got = pieces(worker, ask(0, prompt, grammar="fives"))[0]
    ahead = [piece for piece in got if piece.tokens > 1]
    assert ahead
    assert {piece.text.split(maxsplit=1)[1] for piece in ahead} == {"1 2 3 "}
    assert sum(len(batch[0].tokens) == 4 for batch in llama.batches) == len(ahead)


@pytest.mark.parametrize("fast_forward", [True, False])
def test_what_was_not_sampled_is_told_as_forced(
    worker: GenerationLoop, *, fast_forward: bool
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives", at_least=10)
    got = pieces(worker, ask(0, prompt, grammar="fives", fast_forward=fast_forward))[0]
    tokens = [int(token) for piece in got for token in piece.text.split()]
    drawn_fives = [i for i, token in enumerate(tokens) if token % 5 == 0]
    assert sum(piece.forced for piece in got) == 3 * len(drawn_fives)
    cut = pieces(worker, ask(1, prompt, max_tokens=0))[1]
    assert [(piece.tokens, piece.forced) for piece in cut] == [(0, 0)]


def test_a_worker_says_what_it_is_doing_and_has_done(worker: GenerationLoop) -> None:
    asked = [ask(i, [i + 1] * 30) for i in range(5)]
    for one in asked:
        worker.take(one)
    worker.step()
    busy = worker.stats()
    assert busy.running + busy.waiting == len(asked)
    assert busy.waiting > 0
    assert 0 < busy.kv_cells_used <= CELLS
    posts: list[FromWorker] = []
    while not worker.is_idle:
        posts += worker.step()
    rest = worker.stats()
    assert (rest.running, rest.waiting) == (0, 0)
    assert rest.idle_prefixes > 0
    assert rest.tokens - busy.tokens == sum(piece.tokens for _, piece in deltas(posts))
    assert rest.steps > busy.steps == 1


def test_what_is_forced_at_the_end_is_read_before_a_prompt_repeats_it(
    worker: GenerationLoop, llama: FakeLlama
) -> None:
    prompt = prompt_that("30 1 2 3 stop", grammar="fives")
    first = pieces(worker, ask(0, prompt, grammar="fives"))[0]
    said = [*prompt, *(int(token) for piece in first for token in piece.text.split())]
    assert first[-1].tokens == 4
    assert llama.holds(0) == said
    assert pieces(worker, ask(1, [*said, 9]))[1][0].cached_tokens == len(said)


def test_without_fast_forward_each_token_is_drawn(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    whole = answer(worker, ask(0, prompt, grammar="fives"))
    slow = ask(1, prompt, grammar="fives", fast_forward=False)
    assert answer(worker, slow) == whole
    slow = ask(2, prompt, grammar="fives", fast_forward=False)
    assert all(piece.tokens <= 1 for piece in pieces(worker, slow)[2])


def test_who_asks_for_odds_gets_them_for_each_token(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=10)
    got = pieces(worker, ask(0, prompt, grammar="fives", top_logprobs=1))[0]
    assert all(len(piece.logprobs) == piece.tokens for piece in got)
    text = "".join(piece.text for piece in got)
    assert text == "".join(odds.token for piece in got for odds in piece.logprobs)


# -- interruptions


def interrupts(most: int, insert: list[str | int], *closes: str) -> Interruption:
    return Interruption(most, [], [*closes, "31 31 "], insert, is_open=True)


def test_a_passage_that_is_open_for_too_long_is_closed(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=12)
    whole, _ = answer(worker, ask(0, prompt))
    got = pieces(worker, ask(1, prompt, interruption=interrupts(5, [31, 31, 4])))[1]
    tokens = [int(token) for piece in got for token in piece.text.split()]
    assert tokens[:8] == [*whole[:5], 31, 31, 4]
    assert tokens[8:] == alone(ask(2, [*prompt, *tokens[:8]]), CELLS)[0] != []
    assert sum(piece.tokens for piece in got) == len(tokens)


def test_what_interrupts_comes_in_one_piece_and_is_told_from_there_on(
    worker: GenerationLoop,
) -> None:
    asked = ask(0, prompt_that("stop", at_least=12), interruption=interrupts(5, [31, 31]))
    got = pieces(worker, asked)[0]
    assert [piece.text for piece in got].index("31 31 ") == 5
    assert [piece.was_interrupted for piece in got] == [False] * 5 + [True] * (len(got) - 5)


def test_with_nothing_to_spend_it_comes_first(worker: GenerationLoop) -> None:
    asked = ask(0, [1, 2], interruption=interrupts(0, [31, 31]))
    assert pieces(worker, asked)[0][0].text == "31 31 "


def test_a_passage_that_the_model_closes_is_left_alone(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=12)
    whole = answer(worker, ask(0, prompt))
    closes = f"{whole[0][3]} "
    asked = ask(1, prompt, interruption=interrupts(5, [31, 31], closes))
    assert answer(worker, asked) == whole
    asked = ask(2, prompt, interruption=interrupts(len(whole[0]) + 1, [31, 31]))
    assert answer(worker, asked) == whole


@pytest.mark.parametrize("most", [5, 6])
def test_what_max_tokens_cuts_out_of_an_interruption_ends_with_length(
    worker: GenerationLoop, most: int
) -> None:
    prompt = prompt_that("stop", at_least=12)
    asked = ask(0, prompt, max_tokens=most, interruption=interrupts(5, [31, 31]))
    tokens, finish = answer(worker, asked)
    assert (len(tokens), tokens.count(31), finish) == (most, most - 5, "length")


def test_what_a_grammar_does_not_allow_waits_until_it_does(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", grammar="fives", at_least=20)
    whole, _ = answer(worker, ask(0, prompt, grammar="fives"))
    five = next(i for i, token in enumerate(whole) if token % 5 == 0)
    for most in range(five + 1, five + 4):
        for is_fast in (True, False):
            asked = ask(
                1,
                prompt,
                grammar="fives",
                fast_forward=is_fast,
                interruption=interrupts(most, [31, 31]),
            )
            tokens, _ = answer(worker, asked)
            assert tokens[: five + 6] == [*whole[: five + 4], 31, 31]


def test_a_grammar_goes_on_after_an_interruption(worker: GenerationLoop) -> None:
    asked = ask(0, [1, 2], grammar="fives", interruption=interrupts(0, [31, 31, 5]))
    assert pieces(worker, asked)[0][0].text == "31 31 5 1 2 3 "


def test_who_asks_for_odds_gets_those_of_what_interrupts(worker: GenerationLoop) -> None:
    asked = ask(0, prompt_that("stop", at_least=12), interruption=interrupts(5, [31, 31]))
    quick = "".join(piece.text for piece in pieces(worker, asked)[0])
    got = pieces(worker, changed(asked, top_logprobs=1))[0]
    assert "".join(piece.text for piece in got) == quick
    assert all(len(piece.logprobs) == piece.tokens for piece in got)
    forced = [odds for piece in got for odds in piece.logprobs][5:7]
    assert all(odds.token == "31 " and odds.logprob < odds.top[0].logprob for odds in forced)


class Halves(FakeLlama):
    """An even token begins a character, an odd one ends it."""

    def piece(self, token: int) -> bytes:
        return super().piece(token) if token == 31 else b"\xa9" if token % 2 else b"\xc3"


def test_a_character_that_is_begun_is_ended_first() -> None:
    prompt = prompt_that("stop", at_least=12)
    whole, _ = alone(ask(0, prompt), CELLS)
    ends = [0, *(i + 1 for i, token in enumerate(whole) if token % 2)]
    for most in range(10):
        asked = ask(0, prompt, interruption=interrupts(most, [31, 31]))
        got = pieces(GenerationLoop(Halves(CELLS), guide), asked)[0]
        written = [piece for piece in got if not piece.was_interrupted]
        assert len(written) == min(end for end in ends if end >= most)


# -- many at once


def test_sixteen_answers_without_a_limit_share_a_small_context() -> None:
    llama = FakeLlama(CELLS)
    worker = GenerationLoop(llama, guide)
    prompts = [[1 + i, 2, 3, *range(1, 20)] for i in range(16)]
    got = pieces(worker, *(ask(i, prompt) for i, prompt in enumerate(prompts)))
    for i, prompt in enumerate(prompts):
        tokens, finish = alone(ask(i, prompt), CELLS)
        assert [int(t) for piece in got[i] for t in piece.text.split()] == tokens
        assert got[i][-1].finish == finish


def test_more_requests_than_slots_wait_their_turn(worker: GenerationLoop) -> None:
    got = pieces(worker, *(ask(i, [1 + i % 31, 2], max_tokens=2) for i in range(40)))
    assert len(got) == 40


def test_one_that_gave_way_is_read_again_and_goes_on_where_it_was() -> None:
    llama = FakeLlama(CELLS)
    worker = GenerationLoop(llama, guide)
    old = prompt_that("length")
    young = prompt_that("stop", at_least=60)
    got = pieces(worker, ask(0, old), ask(1, young))
    starts = [item.start for batch in llama.batches for item in batch if item.sequence.id == 1]
    assert starts.count(0) == 2
    for id, prompt in enumerate((old, young)):
        tokens, finish = alone(ask(id, prompt), CELLS)
        assert [int(token) for piece in got[id] for token in piece.text.split()] == tokens
        assert got[id][-1].finish == finish


def test_a_follow_up_is_mostly_cached(worker: GenerationLoop) -> None:
    prompt = prompt_that("stop", at_least=5)
    first = pieces(worker, ask(0, prompt))[0]
    assert first[-1].cached_tokens == 0
    tokens, _ = alone(ask(0, prompt), CELLS)
    second = pieces(worker, ask(1, [*prompt, *tokens, 9, 9]))[1]
    assert {piece.cached_tokens for piece in second} == {len(prompt) + len(tokens)}


def test_who_cancels_frees_the_slot_for_those_who_wait() -> None:
    worker = GenerationLoop(FakeLlama(CELLS, slots=1), guide)
    worker.take(ask(0, prompt_that("length")))
    worker.take(ask(1, [1, 2]))
    assert {id for id, _ in deltas(worker.step())} == {0}
    worker.take(Cancel(0))
    assert {id for id, _ in deltas(worker.step())} == {1}


def test_a_cancel_may_come_too_late_or_twice(worker: GenerationLoop) -> None:
    worker.take(ask(0, [1, 2]))
    assert worker.take(Cancel(0)) == worker.take(Cancel(0)) == worker.take(Cancel(7)) == []
    assert worker.is_idle


def test_slow_steps_change_the_number_of_threads() -> None:
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += 0.5 if threads.count == 2 else 0.01
        return now_s

    threads, llama = ThreadTuner(2, clock=lambda: now_s), FakeLlama(CELLS)
    worker = GenerationLoop(llama, guide, clock=clock, thread_tuner=threads)
    pieces(worker, ask(0, prompt_that("stop", at_least=10)))
    assert llama.threads[0] == 1


# -- what goes wrong


def test_what_goes_wrong_in_one_answer_ends_only_that_one(worker: GenerationLoop) -> None:
    other = prompt_that("length")
    worker.take(ask(0, prompt_that("stop", grammar="fives", at_least=10), grammar="stuck"))
    worker.take(ask(1, other))
    got: list[FromWorker] = []
    while not worker.is_idle:
        got += worker.step()
    rejected = Reply(0, Rejected("too complex", "unsupported_schema"))
    assert [p for p in got if isinstance(p, Reply) and isinstance(p.value, Rejected)] == [rejected]
    text = "".join(piece.text for id, piece in deltas(got) if id == 1)
    assert [int(t) for t in text.split()] == alone(ask(1, other), CELLS)[0]


def test_a_grammar_that_can_not_be_compiled_is_refused(worker: GenerationLoop) -> None:
    reply = worker.take(ask(0, [1], grammar="nonsense"))
    assert reply == [Reply(0, Rejected("no grammar nonsense", "unsupported_schema"))]
    assert worker.is_idle


def test_an_empty_prompt_is_refused(worker: GenerationLoop) -> None:
    assert worker.take(ask(0, [])) == [Reply(0, Rejected("the prompt is empty"))]


@pytest.mark.parametrize("token", [-1, VOCABULARY])
def test_a_token_beyond_the_vocabulary_is_refused(worker: GenerationLoop, token: int) -> None:
    told = f"a token id is beyond the vocabulary, 0 to {VOCABULARY - 1}"
    assert worker.take(ask(0, [1, token])) == [Reply(0, Rejected(told))]
    assert worker.is_idle


def test_who_asks_for_an_echo_is_told_the_prompt(worker: GenerationLoop) -> None:
    first = worker.take(ask(0, [1, 2], echo=True))[0]
    assert first == Reply(0, Accepted(2, "1 2 "))


def test_what_can_not_be_begun_is_broken_and_leaves_nothing(worker: GenerationLoop) -> None:
    sampling = Sampling(seed="x")  # type: ignore[arg-type]
    [post] = worker.take(Generate(0, Generation([1], sampling)))
    assert isinstance(post, Reply)
    assert isinstance(post.value, Failed)
    assert worker.is_idle


# -- drafts


def steps(llama: FakeLlama, asked: Generate) -> int:
    pieces(GenerationLoop(llama, guide), asked)
    return len(llama.batches)


def test_a_guess_that_the_model_agrees_with_saves_steps() -> None:
    prompt = [COPIER, *range(1, 20), COPIER, *range(1, 7)]
    plain = steps(FakeLlama(), ask(0, prompt, max_tokens=12))
    guessed = steps(FakeLlama(), ask(0, prompt, max_tokens=12, draft_tokens=8))
    assert guessed < plain == 12


def test_guesses_are_made_only_where_nobody_else_is_kept_waiting() -> None:
    llama = FakeLlama()
    prompt = [COPIER, *range(1, 20), COPIER, *range(1, 7)]
    pieces(
        GenerationLoop(llama, guide),
        *(ask(i, prompt, max_tokens=4, draft_tokens=8) for i in range(2)),
    )
    assert all(len(item.tokens) == 1 for batch in llama.batches[1:] for item in batch)


# -- before the model has said anything


def test_what_an_answer_must_begin_with_comes_at_once(
    worker: GenerationLoop, llama: FakeLlama
) -> None:
    _, post = worker.take(ask(0, [1, 2], grammar="seven, then fives"))
    piece = delta(post)
    assert (piece.text, piece.finish, llama.batches) == ("7 ", None, [])
    worker.step()
    assert llama.batches[0][0].tokens == [1, 2, 7]


def test_a_limit_of_tokens_holds_from_the_start(worker: GenerationLoop, llama: FakeLlama) -> None:
    _, post = worker.take(ask(0, [1, 2], grammar="seven, then fives", max_tokens=1))
    piece = delta(post)
    assert (piece.text, piece.finish, worker.is_idle) == ("7 ", "length", True)
