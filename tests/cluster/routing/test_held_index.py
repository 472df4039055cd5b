from __future__ import annotations

from gateway.cluster.routing.held_index import MAX_HELD, HeldIndex


def test_a_report_replaces_the_one_before() -> None:
    index = HeldIndex()
    index.report("a", [1, 2])
    index.report("b", [2])
    assert (list(index.holders(1)), list(index.holders(2))) == (["a"], ["a", "b"])
    index.report("a", [3])
    assert (list(index.holders(1)), list(index.holders(2))) == ([], ["b"])
    assert list(index.holders(3)) == ["a"]


def test_what_was_sent_is_held_until_two_reports_lack_it() -> None:
    index = HeldIndex()
    index.report("a", [])
    index.add("a", [1, 2])
    index.report("a", [2])
    assert list(index.holders(1)) == ["a"]
    index.report("a", [2])
    assert (list(index.holders(1)), list(index.holders(2))) == ([], ["a"])


def test_a_replica_that_is_gone_holds_nothing() -> None:
    index = HeldIndex()
    index.report("a", [1])
    index.add("a", [2])
    index.remove("a")
    index.remove("never there")
    assert not index.holders(1)
    assert not index.holders(2)


def test_without_reports_the_last_that_was_sent_is_held_and_of_that_the_beginning() -> None:
    index = HeldIndex()
    index.add("a", [-1])
    index.add("a", range(MAX_HELD + 10))
    assert not index.holders(-1)
    assert index.holders(0)
    assert index.holders(MAX_HELD - 1)
    assert not index.holders(MAX_HELD)
