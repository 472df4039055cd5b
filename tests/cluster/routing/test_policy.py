from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.routing.blocks import Blocks, blocks
from gateway.cluster.routing.held import Report
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.policy import Policy, Replica

SHARED = b"You are a helpful assistant." * 100
IDLE: Counter[str] = Counter()


def key(*messages: bytes, session: str = "") -> RoutingKey:
    return RoutingKey("m", session, blocks("m", messages))


def policy(*names: str, seed: int = 0, **reports: Report) -> Policy:
    made = Policy(Random(seed))
    made.update({name: Replica(8, reports.get(name, Report())) for name in names})
    return made


def first(policy: Policy, key: RoutingKey, ongoing: Mapping[str, int] = IDLE) -> str:
    return policy.rank(key, lambda id: ongoing.get(id, 0))[0]


def test_the_longest_held_prefix_wins() -> None:
    question, answer = key(SHARED, b"a" * 2000), key(SHARED, b"a" * 2000, b"b" * 2000)
    made = policy(*"abcdef", c=Report(question.blocks.hashes), e=Report(key(SHARED).blocks.hashes))
    assert made.rank(answer, lambda _: 0)[:2] == ["c", "e"]


def test_a_much_busier_replica_loses_to_one_that_is_not() -> None:
    question = key(SHARED)
    made = policy(*"ab", a=Report(question.blocks.hashes))
    assert first(made, question, {"a": 0, "b": 0}) == "a"
    assert first(made, question, {"a": 7, "b": 0}) == "b"


def test_a_session_stays_before_anything_is_reported() -> None:
    made = policy(*map(str, range(50)))
    question = key(b"Hello", session="s")
    replica = first(made, question)
    made.routed(question, replica)
    for _ in range(20):
        assert first(made, key(b"Something else", session="s")) == replica


def test_what_was_sent_counts_until_two_reports_lack_it() -> None:
    made = policy(*map(str, range(50)))
    question = key(SHARED)
    made.routed(question, "7")
    for free_mb in (1, 2):
        assert first(made, question) == "7"
        made.update({str(i): Replica(8, Report(free_mb=free_mb)) for i in range(50)})
    assert {first(made, question) for _ in range(40)} != {"7"}


def test_a_replica_that_is_gone_is_no_candidate() -> None:
    made = policy(*"abc")
    made.routed(key(SHARED, session="s"), "b")
    made.update({name: Replica(8) for name in "ac"})
    made.routed(key(SHARED, session="s"), "b")  # it ended while the request was on its way
    assert "b" not in {first(made, key(SHARED, session="s")) for _ in range(20)}


def test_full_and_avoided_replicas_are_left_out_while_there_are_others() -> None:
    made = policy(*"abc", a=Report(key(SHARED).blocks.hashes))
    ongoing = {"a": 8, "b": 5, "c": 3}
    for _ in range(20):
        assert set(made.rank(key(SHARED), ongoing.__getitem__)) <= {"b", "c"}
    assert made.rank(key(SHARED), ongoing.__getitem__, frozenset("c")) == ["b"]
    assert made.rank(key(SHARED), ongoing.__getitem__, frozenset("bc")) == ["a"]
    assert made.rank(key(SHARED), ongoing.__getitem__, frozenset("abc")) == ["c"]
    assert policy().rank(key(SHARED), lambda _: 0) == []


def test_requests_without_a_prefix_are_spread() -> None:
    made = policy(*map(str, range(8)))
    ongoing: Counter[str] = Counter()
    for number in range(48):
        ongoing[first(made, key(b"%d" % number), ongoing)] += 1
    assert max(ongoing.values()) <= 8


def test_a_stored_response_is_continued_where_it_was_made() -> None:
    made = policy(*"abc", b=Report(key(SHARED).blocks.hashes))
    made.update({name: Replica(8, origin=name * 8) for name in "abc"})
    continued = RoutingKey("m", "resp", key(SHARED).blocks, origin="c" * 8)
    assert first(made, continued, {"c": 7}) == "c"
    made.routed(continued, "a")  # while it was full
    assert first(made, continued) == "c"
    gone = RoutingKey("m", "", Blocks(), origin="d" * 8)
    assert {first(made, gone) for _ in range(20)} == {*"abc"}


def with_models(*, a: Report, b: Report, c: Report) -> Policy:
    made = policy(*"abc")
    made.update({"a": Replica(8, a), "b": Replica(8, b), "c": Replica(8, c)})
    return made


def test_a_replica_that_has_loaded_the_model_is_preferred() -> None:
    empty = Report(free_mb=1000)
    made = with_models(a=empty, b=Report(models={"m": 500}), c=empty)
    assert {first(made, key(b"%d" % i), {"b": 4}) for i in range(20)} == {"b"}


def test_a_model_is_loaded_where_there_is_memory_for_it() -> None:
    made = with_models(
        a=Report(models={"m": 500}),
        b=Report(models={"n": 900}, free_mb=100),
        c=Report(free_mb=1000),
    )
    ranks = [made.rank(key(b"%d" % i), {"a": 8, "b": 0, "c": 3}.__getitem__) for i in range(20)]
    assert ["c", "b"] in ranks
    assert ["b", "c"] not in ranks


def test_replicas_that_have_reported_nothing_yet_are_not_thought_empty() -> None:
    made = policy(*"ab", a=Report(models={"m": 500}))
    assert {first(made, key(b"%d" % i)) for i in range(20)} == {"a", "b"}


IDS = st.sampled_from("abcdefgh")
KEYS = st.builds(
    lambda messages, session: key(*messages, session=session),
    st.lists(st.sampled_from([b"a" * 900, b"b" * 600, b"c"]), max_size=4),
    st.sampled_from(["", "s", "t"]),
)


@given(st.lists(st.tuples(KEYS, IDS), max_size=12), KEYS, KEYS, st.integers(0, 7))
def test_a_session_sticks_whatever_is_sent_elsewhere(
    sent: list[tuple[RoutingKey, str]], before: RoutingKey, after: RoutingKey, ongoing: int
) -> None:
    made = policy(*"abcdefgh")
    made.routed(replace(before, session="own"), "c")
    for one, replica in sent:
        made.routed(one, replica)
    busy = dict.fromkeys("abdefgh", ongoing)  # the replica of the session is idle
    assert first(made, replace(after, session="own"), busy) == "c"


@given(
    st.sets(IDS, min_size=1),
    st.lists(st.tuples(KEYS, IDS), max_size=12),
    st.dictionaries(IDS, st.integers(0, 9)),
    st.frozensets(IDS),
    KEYS,
)
def test_a_choice_is_a_replica_and_the_same_for_the_same_seed(
    names: set[str],
    sent: list[tuple[RoutingKey, str]],
    ongoing: dict[str, int],
    avoid: frozenset[str],
    asked: RoutingKey,
) -> None:
    ranks = []
    for _ in range(2):
        made = policy(*sorted(names))
        for one, replica in sent:
            made.routed(one, replica)
        ranks.append(made.rank(asked, lambda id: ongoing.get(id, 0), avoid))
    assert ranks[0] == ranks[1]
    assert ranks[0]
    assert {*ranks[0]} <= names
    assert len({*ranks[0]}) == len(ranks[0])
