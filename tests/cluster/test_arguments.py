"""The arguments of the application builder."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.cluster.arguments import Arguments


def test_serve_run_gives_text() -> None:
    given = {"config": "models.yaml", "replicas": "2", "pin_cpus": "true"}
    arguments = Arguments.model_validate(given)
    assert arguments.config == Path("models.yaml").absolute()
    assert (arguments.replicas, arguments.pin_cpus) == (2, True)


def test_the_number_of_replicas_does_not_change_their_settings() -> None:
    """Else Ray Serve would replace all replicas to add one."""
    assert Arguments(replicas=1).settings == Arguments(replicas=2, max_replicas=3).settings


def test_a_misspelled_argument_is_rejected() -> None:
    with pytest.raises(ValidationError, match="replica"):
        Arguments.model_validate({"replica": "2"})
