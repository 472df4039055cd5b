"""Lists the models that write each format, and the evidence for it. Data only.

`docs/formats.md` is generated from it. Templates have the names of llama.cpp's collection
(`models/templates`), those in `mistral/` the names of mistral-common. Records have the names of
variants in canitoolcall.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """The models that write a format, and what its declaration is tested against.

    `templates` are the chat templates of these models, `records` are answers that they gave.
    """

    models: str
    templates: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


EVIDENCE = {
    "hermes": Evidence(
        "Hermes 2 Pro, Hermes 3, Qwen2.5, Granite 4, MiMo",
        templates=(
            "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
            "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
            "Qwen-Qwen2.5-7B-Instruct",
            "ibm-granite-granite-4.0",
            "ibm-granite-granite-4.1",
            "MiMo-VL",
        ),
    ),
    "qwen3": Evidence(
        "Qwen3, QwQ",
        templates=("Qwen-Qwen3-0.6B", "Qwen-QwQ-32B"),
        records=("qwen3-hybrid", "qwen3-thinking-2507", "qwen3-instruct-2507"),
    ),
    "bielik": Evidence("Bielik 11B v3", templates=("Bielik-11B-v3.0-Instruct",)),
    "reka": Evidence("Reka Edge", templates=("Reka-Edge",)),
    "groq": Evidence("Llama-3-Groq-Tool-Use"),
    "functionary": Evidence("Functionary 3.1", templates=("meetkai-functionary-medium-v3.1",)),
    "functionary_v32": Evidence("Functionary 3.2", templates=("meetkai-functionary-medium-v3.2",)),
    "minimax_m1": Evidence("MiniMax-M1", templates=("MiniMax-M1",)),
    "gigachat3": Evidence("GigaChat 3", templates=("GigaChat3-10B-A1.8B",)),
    "gigachat31": Evidence("GigaChat 3.1", templates=("GigaChat3.1-10B-A1.8B",)),
    "internlm2": Evidence("InternLM 2"),
    "llama3": Evidence(
        "Llama 3.1, 3.2, 3.3",
        templates=(
            "meta-llama-Llama-3.1-8B-Instruct",
            "meta-llama-Llama-3.2-3B-Instruct",
            "meta-llama-Llama-3.3-70B-Instruct",
        ),
        records=("llama3-json",),
    ),
    "xlam": Evidence("xLAM, Hammer"),
    "json_block": Evidence("Qwen2.5-Coder with the template `qwen2.5-coder`"),
    "mistral": Evidence(
        "Mistral Nemo and others with tokenizer v3 or v7, tekken",
        templates=("mistralai-Mistral-Nemo-Instruct-2407", "mistral/v3", "mistral/v7"),
        records=("v3",),
    ),
    "mistral_spm": Evidence(
        "Mistral 7B v0.3 and others with tokenizer v3 or v7, SentencePiece",
        templates=("mistral/v3_spm", "mistral/v7_spm"),
    ),
    "mistral_v2": Evidence("Mistral models with tokenizer v2, tekken", templates=("mistral/v2",)),
    "mistral_v2_spm": Evidence(
        "Mistral models with tokenizer v2, SentencePiece", templates=("mistral/v2_spm",)
    ),
    "firefunction": Evidence("Firefunction 2", templates=("fireworks-ai-llama-3-firefunction-v2",)),
    "nemotron_nano": Evidence("Nemotron Nano v2", templates=("NVIDIA-Nemotron-Nano-v2",)),
    "apriel": Evidence(
        "Apriel 1.5, 1.6", templates=("unsloth-Apriel-1.5", "Apriel-1.6-15b-Thinker-fixed")
    ),
    "apertus": Evidence("Apertus", templates=("Apertus-8B-Instruct",)),
    "phi4_mini": Evidence("Phi-4-mini"),
    "granite3": Evidence("Granite 3"),
    "command_r": Evidence("Command R, R+", templates=("CohereForAI-c4ai-command-r-plus-tool_use",)),
    "command_a": Evidence("Command A, Cohere2 MoE", templates=("Cohere2MoE",)),
    "command_r7b": Evidence(
        "Command R7B", templates=("CohereForAI-c4ai-command-r7b-12-2024-tool_use",)
    ),
    "mistral_v11": Evidence(
        "Mistral Small 3.2",
        templates=("Mistral-Small-3.2-24B-Instruct-2506", "mistral/v11"),
        records=("v11",),
    ),
    "mistral_v11_think": Evidence(
        "Mistral models with tokenizer v11 and thoughts", templates=("mistral/v11_think",)
    ),
    "mistral_v13": Evidence(
        "Magistral, Devstral, Ministral 3, Mistral Small 4, Mistral Medium 3.5",
        templates=(
            "mistral/v13",
            "mistral/v13_think",
            "mistral/v15",
            "mistral/v15_think",
            "unsloth-mistral-Devstral-Small-2507",
            "mistralai-Ministral-3-14B-Reasoning-2512",
        ),
        records=("v11-think-text", "v13", "v13-think", "v13plus-think", "devstral-2507"),
    ),
    "deepseek_r1": Evidence(
        "DeepSeek R1, V3 0324",
        templates=("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "llama-cpp-deepseek-r1"),
        records=("deepseek-v3",),
    ),
    "deepseek_v31": Evidence(
        "DeepSeek V3.1", templates=("deepseek-ai-DeepSeek-V3.1",), records=("deepseek-v31",)
    ),
    "kimi_k2": Evidence(
        "Kimi K2, instruct and thinking",
        templates=("moonshotai-Kimi-K2", "Kimi-K2-Instruct", "Kimi-K2-Thinking"),
        records=("kimi-k2-thinking", "kimi-k2-instruct"),
    ),
    "solar_open": Evidence("Solar Open", templates=("upstage-Solar-Open-100B",)),
    "harmony": Evidence("gpt-oss", templates=("openai-gpt-oss-120b",), records=("gpt-oss",)),
    "qwen_coder": Evidence(
        "Qwen3-Coder", templates=("Qwen3-Coder",), records=("qwen3-coder", "qwen3-coder-next")
    ),
    "qwen35": Evidence(
        "Qwen3.5, 3.6, 3.8", templates=("Qwen3.5-4B",), records=("qwen3.5", "qwen3.6", "qwen3.8")
    ),
    "nemotron3": Evidence("Nemotron 3", templates=("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",)),
    "step35": Evidence("Step 3.5", templates=("StepFun3.5-Flash",)),
    "seed_oss": Evidence("Seed-OSS", templates=("ByteDance-Seed-OSS",)),
    "glm45": Evidence("GLM 4.5, 4.6", templates=("GLM-4.6",), records=("glm45-newline",)),
    "glm47": Evidence(
        "GLM 4.7, GLM 5, Spark 2.5, Laguna S",
        templates=("GLM-4.7-Flash", "Spark2.5", "poolside-Laguna-S-2.1"),
        records=("glm47-compact", "glm53-compact"),
    ),
    "laguna_xs": Evidence(
        "Laguna XS", templates=("poolside-Laguna-XS.2", "poolside-Laguna-XS-2.1")
    ),
    "ling3": Evidence("Ling 3", templates=("inclusionai-ling-3.0-flash",)),
    "smollm2_tools": Evidence("SmolLM2-135M-Instruct with adapters/smollm2-135m-tools.gguf"),
    "hy3": Evidence("Hy3", templates=("tencent-Hy3",)),
    "minimax_m2": Evidence("MiniMax-M2", templates=("MiniMax-M2",)),
    "minicpm5": Evidence("MiniCPM5", templates=("openbmb-MiniCPM5-1B",)),
    "deepseek_v32": Evidence(
        "DeepSeek V3.2", templates=("deepseek-ai-DeepSeek-V3.2",), records=("deepseek-v32",)
    ),
    "deepseek_v4": Evidence(
        "DeepSeek V4",
        templates=("deepseek-ai-DeepSeek-V4", "deepseek-ai-DeepSeek-V4-Flash-0731"),
        records=("deepseek-v4",),
    ),
    "deepseek_v41": Evidence("DeepSeek V4.1", records=("deepseek-v41",)),
    "kimi_k3": Evidence("Kimi K3", templates=("Kimi-K3",), records=("kimi-k3-xtml",)),
    "muse": Evidence("Muse Glimmer", templates=("muse-glimmer",)),
    "llama4": Evidence("Llama 4", records=("llama4-pythonic",)),
    "lfm2": Evidence("LFM2, LFM2.5", templates=("LFM2.5-8B-A1B",)),
    "gemma4": Evidence(
        "Gemma 4",
        templates=("google-gemma-4-31B-it", "google-gemma-4-31B-it-interleaved"),
        records=("gemma4",),
    ),
    "function_gemma": Evidence("FunctionGemma"),
    "minimax_m3": Evidence("MiniMax-M3", templates=("MiniMax-M3",)),
}
