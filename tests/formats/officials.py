"""The official chat templates: what surrounds a turn in them, and where they differ from `encode`.

Data only; `gateway/formats/evidence.py` has the family of each. The templates are not part of the
project; `tests/formats/test_official.py` reads them where they are available.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.formats.evidence import EVIDENCE

OFFICIAL = Path(__file__).parents[3] / "shared" / "reference" / "chat-templates"

THOUGHTS = ("reasoning and call", "reasoning, text and call", "reasoning and text")
BESIDE = ("text and call", "text and two calls", "reasoning, text and call")
SEVERAL = ("two calls", "text and two calls")
VALUES = ("nested", "a boolean")
CALLS = ("one call", *SEVERAL, *VALUES, "no arguments", "text and call", *THOUGHTS)

# Why a template writes a turn differently.
ALONE = "it omits text beside calls, so the text gets a turn of its own"
AFTER = "it moves text before calls behind them and behind their results"
ASIDE = "it takes reasoning as one of several content blocks"
ASCII = "it escapes characters that are not ASCII; the parser reads both forms"
CLOSED = "it writes no line break after reasoning; its earlier version does"
FORGETS = "it omits reasoning"
HEADED = "it writes the recipient in the header of the turn; the model writes it in the channel"
LAST = "it keeps the reasoning of turns with calls only"
ONE = "it rejects several calls in a turn, so each call gets a turn of its own"
OPENED = "it omits the text with which its prompt opens reasoning"
PYTHON = "it prints values as Python does, although it tells the model to write JSON"
JSON = "it writes an object as JSON and text unescaped; the model writes Python"
SILENT = "it writes a line break between empty reasoning and calls, but none before text"
UNMARKED = "it writes empty reasoning before calls, but not before text"


def but(turns: Iterable[str], why: str) -> dict[str, str]:
    return dict.fromkeys(turns, why)


@dataclass(frozen=True)
class Official:
    """What surrounds a turn in a template, and the turns that it writes `otherwise`.

    `silent` may follow `start` in a turn without reasoning, as in a prompt that switches thinking
    off; `spoken` precedes text.
    """

    start: str
    ends: tuple[str, ...]
    silent: str = ""
    spoken: str = ""
    otherwise: dict[str, str] = field(default_factory=dict)


CHATML = ("<|im_end|>\n<|im_start|>assistant\n", ("<|im_end|>\n<|im_start|>",))
LLAMA = ("<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", ("<|eot_id|>",))
MISTRAL = ("[/INST]", ("</s>",))
COMMAND = (
    "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    ("<|END_OF_TURN_TOKEN|>",),
)
DEEPSEEK = ("<｜Assistant｜>", ("<｜end▁of▁sentence｜>",))
KIMI = ("<|im_end|><|im_assistant|>assistant<|im_middle|>", ("<|im_end|>",))
GRANITE = ("<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>", ("<|end_of_text|>\n",))
GIGACHAT = ("<|message_sep|>\n\nassistant<|role_sep|>\n", ("<|message_sep|>",))
GEMMA = ("<turn|>\n<|turn>model\n", ("<turn|>\n", "<|tool_response>"))
LAGUNA_XS = ("\n</user>\n<assistant>\n", ("\n</assistant>\n",), "</think>\n")
MINIMAX = ("[e~[\n]~b]ai\n", ("[e~[\n",))
AWAY = but(BESIDE, ALONE)
JINJA = but(["a boolean"], PYTHON)
PRINTED = but(VALUES, PYTHON)
LLAMA3 = but(SEVERAL, ONE) | AWAY
FORGETFUL = but(THOUGHTS, FORGETS)
MOVED = but(BESIDE, AFTER) | but(["reasoning and text"], LAST)

FAMILY_OF = {path: name for name, found in EVIDENCE.items() for path in found.templates}

OFFICIALS = {
    "Apertus-8B-Instruct": Official(
        "<|user_end|><|assistant_start|>",
        ("[TTT", "<|assistant_end|>"),
        otherwise=but(THOUGHTS, ASIDE),
    ),
    "Apriel-1.6-15b-Thinker-fixed": Official(
        "\n<|begin_assistant|>\n",
        ("\n<|end|>\n",),
        otherwise=FORGETFUL | but(["reasoning and text"], OPENED),
    ),
    "Bielik-11B-v3.0-Instruct": Official(*CHATML),
    "ByteDance-Seed-OSS": Official(
        "<seed:eos><seed:bos>assistant\n", ("<seed:eos>",), otherwise=PRINTED
    ),
    "Cohere2MoE": Official("<|END_TEXT|>" + COMMAND[0], COMMAND[1], otherwise=AWAY),
    "CohereForAI-c4ai-command-r-plus-tool_use": Official(
        COMMAND[0], (*COMMAND[1], "\n<|START_OF_TURN_TOKEN|>")
    ),
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": Official(
        *COMMAND,
        otherwise=AWAY | but(["reasoning and text"], LAST) | but(["text"], UNMARKED),
    ),
    "GLM-4.6": Official("<|assistant|>", ("<|",)),
    "GLM-4.7-Flash": Official("<|assistant|>", ("<|",), "</think>"),
    "GigaChat3-10B-A1.8B": Official(*GIGACHAT),
    "GigaChat3.1-10B-A1.8B": Official(*GIGACHAT),
    "Kimi-K2-Instruct": Official(*KIMI, otherwise=FORGETFUL),
    "Kimi-K2-Thinking": Official(
        *KIMI, "<think></think>", otherwise=but(["reasoning and text"], LAST)
    ),
    "Kimi-K3": Official(
        '<|close|>message<|sep|><|end_of_msg|><|open|>message role="assistant"<|sep|>',
        ("<|end_of_msg|>",),
    ),
    "LFM2.5-8B-A1B": Official(*CHATML, otherwise=but(["nested"], JSON)),
    "MiMo-VL": Official(*CHATML),
    "MiniMax-M1": Official(
        "<end_of_sentence>\n<beginning_of_sentence>ai name=assistant\n",
        ("<end_of_sentence>\n",),
        otherwise=AWAY,
    ),
    "MiniMax-M2": Official(*MINIMAX),
    "MiniMax-M3": Official(*MINIMAX, "</mm:think>"),
    "Mistral-Small-3.2-24B-Instruct-2506": Official(*MISTRAL, otherwise=AWAY),
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": Official(
        CHATML[0],
        (*CHATML[1], "\n<|im_end|>\n"),
        otherwise=JINJA | but(["text", "text and call", "text and two calls"], SILENT),
    ),
    "NVIDIA-Nemotron-Nano-v2": Official(
        "\n<SPECIAL_11>Assistant\n",
        ("\n<SPECIAL_12>\n",),
        otherwise=FORGETFUL,
    ),
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": Official(*CHATML, otherwise=AWAY),
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": Official(*CHATML, otherwise=AWAY),
    "Qwen-QwQ-32B": Official(*CHATML, otherwise=FORGETFUL),
    "Qwen-Qwen2.5-7B-Instruct": Official(*CHATML),
    "Qwen-Qwen3-0.6B": Official(*CHATML),
    "Qwen3-Coder": Official(*CHATML, otherwise=JINJA),
    "Qwen3.5-4B": Official(*CHATML, "<think>\n\n</think>\n\n", otherwise=JINJA),
    "Reka-Edge": Official("<sep>assistant: ", ("\n\n<sep>",), otherwise=but(["nested"], ASCII)),
    "Spark2.5": Official(
        "<｜end▁of▁sentence｜><｜start▁of▁sentence｜><|Bot|>",
        ("<｜end▁of▁sentence｜>",),
        "</think>",
    ),
    "StepFun3.5-Flash": Official(*CHATML, "<think>\n\n</think>\n", otherwise=JINJA),
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": Official(
        *DEEPSEEK, otherwise=FORGETFUL | but(BESIDE, AFTER)
    ),
    "deepseek-ai-DeepSeek-V3.1": Official(*DEEPSEEK, "<think></think>", otherwise=FORGETFUL),
    "deepseek-ai-DeepSeek-V3.2": Official(*DEEPSEEK, "</think>"),
    "deepseek-ai-DeepSeek-V4": Official(*DEEPSEEK, "</think>"),
    "deepseek-ai-DeepSeek-V4-Flash-0731": Official(*DEEPSEEK, "</think>"),
    "fireworks-ai-llama-3-firefunction-v2": Official(*LLAMA),
    "google-gemma-4-31B-it": Official(*GEMMA, otherwise=MOVED),
    "google-gemma-4-31B-it-interleaved": Official(
        *GEMMA, otherwise=MOVED | but(["reasoning and call"], CLOSED)
    ),
    "ibm-granite-granite-4.0": Official(*GRANITE),
    "ibm-granite-granite-4.1": Official(*GRANITE),
    "inclusionai-ling-3.0-flash": Official(
        "<|role_end|><role>ASSISTANT</role>\n", ("<|role_end|>",)
    ),
    "llama-cpp-deepseek-r1": Official(
        "<｜end▁of▁sentence｜><｜Assistant｜>",
        DEEPSEEK[1],
        otherwise=FORGETFUL | AWAY,
    ),
    "meetkai-functionary-medium-v3.1": Official(LLAMA[0], (*LLAMA[1], "<|eom_id|>")),
    "meetkai-functionary-medium-v3.2": Official(*LLAMA),
    "meta-llama-Llama-3.1-8B-Instruct": Official(*LLAMA, otherwise=LLAMA3),
    "meta-llama-Llama-3.2-3B-Instruct": Official(*LLAMA, otherwise=LLAMA3),
    "meta-llama-Llama-3.3-70B-Instruct": Official(*LLAMA, otherwise=LLAMA3),
    "mistral/v2": Official(*MISTRAL, otherwise=AWAY),
    "mistral/v2_spm": Official(*MISTRAL, spoken=" ", otherwise=AWAY),
    "mistral/v3": Official(*MISTRAL, otherwise=AWAY),
    "mistral/v3_spm": Official(*MISTRAL, spoken=" ", otherwise=AWAY),
    "mistral/v7": Official(*MISTRAL),
    "mistral/v7_spm": Official(*MISTRAL, spoken=" "),
    "mistral/v11": Official(*MISTRAL),
    "mistral/v11_think": Official(*MISTRAL),
    "mistral/v13": Official(*MISTRAL, otherwise=FORGETFUL),
    "mistral/v13_think": Official(*MISTRAL),
    "mistral/v15": Official(*MISTRAL, otherwise=FORGETFUL),
    "mistral/v15_think": Official(*MISTRAL),
    "mistralai-Ministral-3-14B-Reasoning-2512": Official(*MISTRAL),
    "mistralai-Mistral-Nemo-Instruct-2407": Official(*MISTRAL, otherwise=AWAY),
    "moonshotai-Kimi-K2": Official(*KIMI, otherwise=FORGETFUL),
    "muse-glimmer": Official("<|eot|><|start|>assistant", ("<|eot|>",), otherwise=AWAY),
    "openai-gpt-oss-120b": Official(
        "<|end|><|start|>assistant",
        ("<|end|>",),
        otherwise=but(CALLS, HEADED) | but(["reasoning and text"], LAST),
    ),
    "openbmb-MiniCPM5-1B": Official(*CHATML, otherwise=PRINTED),
    "poolside-Laguna-S-2.1": Official("</user>\n<assistant>", ("</assistant>\n",), "</think>"),
    "poolside-Laguna-XS-2.1": Official(*LAGUNA_XS),
    "poolside-Laguna-XS.2": Official(*LAGUNA_XS),
    "tencent-Hy3": Official(
        "<｜hy_Assistant:opensource｜>",
        ("<｜hy_eos:opensource｜>",),
        "<think:opensource></think:opensource>",
    ),
    "unsloth-Apriel-1.5": Official(
        "\n<|end|>\n<|assistant|>\n", ("\n<|end|>\n",), otherwise=FORGETFUL
    ),
    "unsloth-mistral-Devstral-Small-2507": Official(*MISTRAL, otherwise=FORGETFUL),
    "upstage-Solar-Open-100B": Official(
        "<|end|><|begin|>assistant",
        ("<|end|>", "<|begin|>tool"),
        otherwise=but(["reasoning, text and call"], ALONE),
    ),
}

# Templates with which no turn is compared: what calls are written as there, why they are not
# compared, and what stands in for those that show no tools.
UNTOLD = "it writes no calls of earlier turns: what stands there is what `encode` writes"
TOOLLESS = "it knows no tools; ours is "
OTHERS = {
    "HuggingFaceTB-SmolLM3-3B": ("qwen3", TOOLLESS + "smollm3"),
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": ("qwen3", TOOLLESS + "deepseek-r1-distill"),
    "google-gemma-2-2b-it": ("hermes", TOOLLESS + "gemma2"),
    "llama-cpp-rwkv-world": ("hermes", TOOLLESS + "rwkv-world"),
    "microsoft-Phi-3.5-mini-instruct": ("hermes", TOOLLESS + "phi3.5"),
    "mistral/v1_spm": ("hermes", TOOLLESS + "mistral-v1"),
    "LFM2-8B-A1B": ("lfm2", UNTOLD),
    "LFM2.5-Instruct": ("lfm2", UNTOLD),
    "ibm-granite-granite-3.3-2B-Instruct": ("granite3", UNTOLD),
}

# Templates that write calls but show no tools, and what stands in for them.
HIDDEN = {
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "deepseek-r1-distill",
    "deepseek-ai-DeepSeek-V3.1": "deepseek-v3.1",
}

# Families that no template is compared with, and what else they are known by.
UNSEEN = {
    "deepseek_v41": "its records in canitoolcall are read",
    "function_gemma": "its vendor's template is not among those at hand",
    "granite3": "its template tells the model to write a list of calls after a mark, and no more",
    "groq": "its model card says what a call looks like",
    "internlm2": "its vendor's template is not among those at hand",
    "llama4": "its records in canitoolcall are read",
    "phi4_mini": "its vendor's template is not among those at hand",
    "smollm2_tools": "it is our own adapter's, and the adapter was trained on what it writes",
    "json_block": "it is that of a template of our own",
    "xlam": "its vendor's template is not among those at hand",
}
