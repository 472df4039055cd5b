"""The model with a trainable LoRA adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from peft.helpers import disable_input_dtype_casting
from torch import Tensor

from training.adapter import attention
from training.adapter.batch import Batch
from training.adapter.cross_entropy import cross_entropy

PARTS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RANK, ALPHA = 64, 32
HEADS = {"q_proj": 9, "k_proj": 3}  # of SmolLM2-135M
# Every second layer: an adapter on all layers slows decoding by 30 %, on these by 15 %.
STEP = 2


def load(gguf: Path, dtype: torch.dtype = torch.bfloat16) -> Any:
    """The model with the dequantized weights of the GGUF that llama.cpp serves."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=dtype,
        quantization_config=transformers.GgufConfig(dequantize=True),
        attn_implementation=attention.NAME,
    )
    model.config.use_cache = False
    return model


class LoraModel:
    """A frozen model with a trainable adapter; `parameters` are the adapter's, in float32."""

    def __init__(self, model: Any, seed: int = 0):
        torch.manual_seed(seed)
        layers = [*range(0, model.config.num_hidden_layers, STEP)]
        config = peft.LoraConfig(
            r=RANK, lora_alpha=ALPHA, target_modules=PARTS, layers_to_transform=layers
        )
        self._model = model
        self._peft = peft.get_peft_model(model, config)
        self.parameters = [one for one in self._peft.parameters() if one.requires_grad]
        self._device = self.parameters[0].device
        self._is_halved = model.dtype == torch.bfloat16

    @property
    def state(self) -> dict[str, Tensor]:
        """The weights of the adapter by name."""
        return {name: one for name, one in self._peft.named_parameters() if one.requires_grad}

    def restore(self, state: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, one in self.state.items():
                one.copy_(state[name])

    def accumulate_gradient(self, batch: Batch, scale: float) -> float:
        """Add the gradient of the weighted losses times `scale`; returns their unweighted sum."""
        hidden = self._hidden(batch, batch.places)
        loss, slope = self._loss_of(hidden, batch)
        weights = batch.weights.to(slope) * scale
        hidden.backward(slope * weights[:, None])
        return loss

    def loss(self, batch: Batch) -> float:
        """The sum of the losses of all targets."""
        with torch.no_grad():
            return self._loss_of(self._hidden(batch, batch.places), batch)[0]

    def logits(self, batch: Batch, places: Tensor) -> Tensor:
        with torch.no_grad():
            return self._model.lm_head(self._hidden(batch, places))

    def _loss_of(self, hidden: Tensor, batch: Batch) -> tuple[float, Tensor]:
        return cross_entropy(hidden, self._model.lm_head.weight, batch.targets.to(self._device))

    def _hidden(self, batch: Batch, places: Tensor) -> Tensor:
        """The last hidden states at `places` alone, as the output head is a quarter of the work."""
        batch = batch.to(self._device)
        autocast = torch.autocast(self._device.type, torch.bfloat16, enabled=self._is_halved)
        with autocast, disable_input_dtype_casting(self._peft, active=self._is_halved):
            output = self._model.model(
                input_ids=batch.tokens, position_ids=batch.positions, attention_mask=batch.bias
            )
        return output.last_hidden_state[0, places.to(self._device)]
