"""Losses and gradients are those of PyTorch's own cross entropy."""

from __future__ import annotations

import torch

from training.adapter.cross_entropy import CHUNK, cross_entropy


def test_loss_and_gradient_are_those_of_cross_entropy() -> None:
    torch.manual_seed(1)
    places = CHUNK + 5
    hidden = torch.randn(places, 16, requires_grad=True)
    head, targets = torch.randn(50, 16), torch.randint(50, (places,))
    loss, slope = cross_entropy(hidden, head, targets)
    expected = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="sum")
    expected.backward()
    assert abs(loss - expected.item()) < 1e-3
    assert torch.allclose(slope, hidden.grad, atol=1e-5)


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    loss, slope = cross_entropy(
        torch.tensor([[1.0]]), torch.tensor([[500.0], [0.0]]), torch.tensor([1])
    )
    assert 80 < loss < 100
    assert slope.isfinite().all()
