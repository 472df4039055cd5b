"""The evaluation: its figures, what it leaves behind, and a short run of it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.training.evaluation.cases import CASES, case, said, spoken, written
from training.evaluation import ask
from training.evaluation.__main__ import main
from training.evaluation.aim import between, figures
from training.evaluation.ask import Outcome
from training.evaluation.case import Answer
from training.evaluation.failure import causes, lines
from training.evaluation.plot import OTHER, OURS, plot
from training.evaluation.report import page, sides
from training.evaluation.score import score
from training.evaluation.side import REPO, SERVED, SIDES, WITH

SILENT = Answer("I see.")


def outcome(side: str, choice: str, at: int, answer: Answer | None = None) -> Outcome:
    """`answer` None is the expected one."""
    given = answer or CASES[at].expected
    return Outcome(side, choice, CASES[at], given, score(CASES[at], given))


# All is right with the adapter, but for the first case; without it, nothing is ever called.
FOUND = [
    *(outcome("adapter", "auto", at, None if at else SILENT) for at in range(len(CASES))),
    *(outcome("adapter", "required", at) for at in range(4)),
    *(outcome("base", "auto", at, SILENT) for at in range(len(CASES))),
]


def test_a_figure_is_the_share_of_cases_that_are_right() -> None:
    assert [figure.value for figure in figures(FOUND)] == [75, 100, 100, 100, 100]
    assert [figure.is_met for figure in figures(FOUND)] == [False, True, True, True, True]
    assert figures(FOUND)[0].made_of.startswith("3 of 4; 95 % sure: ")


def test_an_answer_that_has_nothing_to_state_does_not_count_as_stating_it() -> None:
    vague = case("failed", said("Is the ferry late?"), spoken("I couldn't find out."))
    found = Outcome("adapter", "auto", vague, SILENT, score(vague, SILENT))
    assert found.score.is_right
    assert figures([found])[-1].value is None


def test_there_is_no_figure_without_the_adapter() -> None:
    assert figures([found for found in FOUND if found.side == "base"]) == []


def test_the_interval_is_wilsons() -> None:
    assert between(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    low, high = between(10, 10)
    assert (low, high) == pytest.approx((0.7225, 1), abs=1e-4)


def test_each_side_has_a_row_for_each_choice() -> None:
    head, *rows = sides(FOUND)
    assert [row[:2] for row in rows] == [
        ("adapter", "auto"),
        ("adapter", "required"),
        ("base", "auto"),
    ]
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][2:4] == ("20", "75")


def test_the_page_tells_the_figures_the_kinds_and_the_causes() -> None:
    told = page(figures(FOUND), FOUND, ["two cores"])
    assert "- two cores\n" in told
    assert "| one call due: the right tool and arguments | 75.0 % | ≥ 80 % | **MISSED** |" in told
    assert "| call | 4 | 75.0 % | 75.0 % | 75.0 % | 3 of 3 | one call is due |\n" in told
    assert "| call | 1 | no call 1 |\n" in told


def test_the_picture_has_a_bar_for_each_side_as_long_as_its_share() -> None:
    drawn = ElementTree.fromstring(plot(FOUND)).iter("{http://www.w3.org/2000/svg}rect")
    bars = [(bar.get("fill"), float(bar.get("width", 0))) for bar in drawn][1:]
    assert [color for color, _ in bars] == [
        OURS,
        OTHER,
        OURS,
        OTHER,
        OURS,
        OURS,
        OTHER,
        OURS,
        OTHER,
    ]
    assert bars[0][1] / bars[2][1] == pytest.approx(0.75, rel=0.01)
    assert bars[1][1] == 0


def test_a_failure_tells_what_was_asked_expected_and_got() -> None:
    first, *_ = [json.loads(line) for line in lines(FOUND).splitlines()]
    assert (first["side"], first["kind"], first["causes"]) == ("adapter", "call", ["no call"])
    assert first["got"]["text"] == SILENT.text
    assert first["expected"]["calls"][0]["name"] == "set_lamp"
    assert first["messages"] == CASES[0].asked
    assert causes(FOUND[:2]) == {"no call": 1}


def test_a_side_is_served_as_models_yaml_says_but_for_what_it_changes() -> None:
    written = {"template": "t", "format": "f"}
    served = {"source": "a", "context": 1, "sampling": {"temperature": 1}, **written}
    served["aliases"] = ["default"]
    entries = {side.name: side.entry(served, Path("b")) for side in SIDES}
    assert entries["adapter-sampled"]["sampling"] == {"temperature": 1}
    assert entries["adapter"]["sampling"] == {"temperature": 0}
    assert entries["adapter"].items() >= written.items()
    assert not entries["base-plain"].items() & written.items()
    assert {name for name, entry in entries.items() if "lora" in entry} == {
        side.name for side in SIDES if side.has_adapter
    }
    assert f"  {SERVED}:\n" in (REPO / "models.yaml").read_text()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"adapter": Path("none.gguf")}, "there is no adapter none.gguf"),
        ({"side": ["other"]}, "no side 'other'; there are adapter, "),
        ({"held_out": Path("none.jsonl"), "side": ["base"]}, "none.jsonl"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, given: dict[str, object], told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        main(**{"held_out": written(tmp_path), **given})  # type: ignore[arg-type]


def test_a_set_that_expects_what_is_wrong_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace('\\"percent\\": 40', '\\"percent\\": 400'))
    with pytest.raises(SystemExit, match="a call that its tool does not admit"):
        main(held_out=path, side=["base"])


@pytest.mark.model
def test_the_base_model_is_scored_over_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ask, "MOST_TOKENS", 2)  # too few for a call, whatever the model says
    path, failures = written(tmp_path), tmp_path / "failures.jsonl"
    some = [line for line in path.read_text().splitlines() if '"kind": "talk"' in line]
    path.write_text("\n".join(some))
    main(held_out=path, side=["base-free"], failures=failures, docs=tmp_path)
    assert "base-free, auto: 3 of 3 right" in capsys.readouterr().out
    assert failures.read_text() == ""
    assert "| base-free | auto |" in (tmp_path / "evaluation.md").read_text()
    assert WITH.about not in (tmp_path / "evaluation.md").read_text()
