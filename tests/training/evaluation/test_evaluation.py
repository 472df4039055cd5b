"""The evaluation: its figures, its page and a short run."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.evaluation.answer import Answer
from gateway.evaluation.plot import OTHER, OURS
from tests.training.evaluation.cases import CASES, assistant, case, user, write_cases
from training.evaluation import ask
from training.evaluation.__main__ import main
from training.evaluation.aim import figures, wilson_interval
from training.evaluation.ask import Outcome
from training.evaluation.failure import causes, lines
from training.evaluation.plot import plot
from training.evaluation.report import page, sides
from training.evaluation.score import score
from training.evaluation.side import REPO, SERVED, SIDES, WITH

SILENT = Answer("I see.")


def outcome(side: str, choice: str, at: int, answer: Answer | None = None) -> Outcome:
    """An outcome; by default the answer is the expected one."""
    given = answer or CASES[at].expected
    return Outcome(side, choice, CASES[at], given, score(CASES[at], given))


# With the adapter all answers but the first are right; without it there are no calls.
OUTCOMES = [
    *(outcome("adapter", "auto", at, None if at else SILENT) for at in range(len(CASES))),
    *(outcome("adapter", "required", at) for at in range(4)),
    *(outcome("base", "auto", at, SILENT) for at in range(len(CASES))),
]


def test_a_figure_is_the_share_of_right_answers() -> None:
    assert [figure.value for figure in figures(OUTCOMES)] == [75, 100, 100, 100, 100]
    assert [figure.is_met for figure in figures(OUTCOMES)] == [False, True, True, True, True]
    assert figures(OUTCOMES)[0].made_of.startswith("3 of 4; 95 % interval: ")


def test_a_result_without_values_does_not_count_as_stated() -> None:
    vague = case("failed", user("Is the ferry late?"), assistant("I couldn't find out."))
    found = Outcome("adapter", "auto", vague, SILENT, score(vague, SILENT))
    assert found.score.is_right
    assert figures([found])[-1].value is None


def test_there_are_no_figures_without_the_adapter() -> None:
    assert figures([found for found in OUTCOMES if found.side == "base"]) == []


def test_wilson_interval_has_known_values() -> None:
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    low, high = wilson_interval(10, 10)
    assert (low, high) == pytest.approx((0.7225, 1), abs=1e-4)


def test_each_side_has_a_row_for_each_choice() -> None:
    head, *rows = sides(OUTCOMES)
    assert [row[:2] for row in rows] == [
        ("adapter", "auto"),
        ("adapter", "required"),
        ("base", "auto"),
    ]
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][2:4] == ("20", "75")


def test_the_page_has_figures_kinds_and_causes() -> None:
    text = page(figures(OUTCOMES), OUTCOMES, ["two cores"])
    assert "- two cores\n" in text
    assert "| one call expected: right tool and arguments | 75.0 % | ≥ 80 % | **MISSED** |" in text
    assert "| call | 4 | 75.0 % | 75.0 % | 75.0 % | 3 of 3 | one call |\n" in text
    assert "| call | 1 | no call 1 |\n" in text


def test_the_length_of_a_bar_is_the_share() -> None:
    drawn = ElementTree.fromstring(plot(OUTCOMES)).iter("{http://www.w3.org/2000/svg}rect")
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


def test_a_failure_has_the_request_the_expected_and_the_actual_answer() -> None:
    first, *_ = [json.loads(line) for line in lines(OUTCOMES).splitlines()]
    assert (first["side"], first["kind"], first["causes"]) == ("adapter", "call", ["no call"])
    assert first["got"]["text"] == SILENT.text
    assert first["expected"]["calls"][0]["name"] == "set_lamp"
    assert first["messages"] == CASES[0].prompt
    assert causes(OUTCOMES[:2]) == {"no call": 1}


def test_a_side_has_the_entry_of_models_yaml_with_its_overrides() -> None:
    prompt_keys = {"template": "t", "format": "f"}
    served = {"source": "a", "context": 1, "sampling": {"temperature": 1}, **prompt_keys}
    served["aliases"] = ["default"]
    entries = {side.name: side.entry(served, Path("b")) for side in SIDES}
    assert entries["adapter-sampled"]["sampling"] == {"temperature": 1}
    assert entries["adapter"]["sampling"] == {"temperature": 0}
    assert entries["adapter"].items() >= prompt_keys.items()
    assert not entries["base-plain"].items() & prompt_keys.items()
    assert {name for name, entry in entries.items() if "lora" in entry} == {
        side.name for side in SIDES if side.has_adapter
    }
    assert f"  {SERVED}:\n" in (REPO / "models.yaml").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adapter": Path("none.gguf")}, "there is no adapter none.gguf"),
        ({"side": ["other"]}, "no side 'other'; valid are adapter, "),
        ({"held_out": Path("none.jsonl"), "side": ["base"]}, "none.jsonl"),
    ],
)
def test_a_missing_input_is_reported(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        main(**{"held_out": write_cases(tmp_path), **options})  # type: ignore[arg-type]


def test_a_set_with_a_wrong_expected_answer_is_refused(tmp_path: Path) -> None:
    path = write_cases(tmp_path)
    path.write_text(path.read_text().replace('\\"percent\\": 40', '\\"percent\\": 400'))
    with pytest.raises(SystemExit, match="arguments that violate the schema"):
        main(held_out=path, side=["base"])


@pytest.mark.model
def test_the_base_model_is_scored_over_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ask, "MAX_TOKENS", 2)  # too few for a call, whatever the model says
    path, failures = write_cases(tmp_path), tmp_path / "failures.jsonl"
    some = [line for line in path.read_text().splitlines() if '"kind": "talk"' in line]
    path.write_text("\n".join(some))
    main(held_out=path, side=["base-free"], failures=failures, docs=tmp_path)
    assert "base-free, auto: 3 of 3 right" in capsys.readouterr().out
    assert failures.read_text() == ""
    assert "| base-free | auto |" in (tmp_path / "evaluation.md").read_text()
    assert WITH.about not in (tmp_path / "evaluation.md").read_text()
