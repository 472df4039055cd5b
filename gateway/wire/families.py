"""What each model family writes when it calls a tool. Data only.

`docs/decisions.md` says why a call is declared as its own text with holes in it.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.wire.format import Format, Tagged

HERMES = Format(
    "hermes",
    call='<tool_call>\n{"name": "$name", "arguments": $arguments}\n</tool_call>',
    calls=("", "\n", ""),
    before="\n",
)

QWEN3 = replace(HERMES, name="qwen3", think=("<think>\n", "\n</think>\n\n"))

GROQ = Format(
    "groq",
    call='<tool_call>\n{"id": $index, "name": "$name", "arguments": $arguments}\n</tool_call>',
    calls=("", "\n", ""),
    before="\n",
)

LLAMA3 = Format(
    "llama3",
    call='{"name": "$name", "parameters": $arguments}',
    calls=("", "; ", ""),
    trigger='{"name": "',
    prose=False,
)

MISTRAL = Format(
    "mistral",
    call='{"name": "$name", "arguments": $arguments, "id": "$id"}',
    calls=("[TOOL_CALLS][", ", ", "]"),
    trigger="[TOOL_CALLS]",
    id_length=9,
)

# With a SentencePiece vocabulary, a space follows the mark.
MISTRAL_SPM = replace(MISTRAL, name="mistral_spm", calls=("[TOOL_CALLS] [", ", ", "]"))

MISTRAL_V11 = Format(
    "mistral_v11",
    call="[TOOL_CALLS]$name[CALL_ID]$id[ARGS]$arguments",
    id_length=9,
)

MISTRAL_V13 = Format(
    "mistral_v13",
    call="[TOOL_CALLS]$name[ARGS]$arguments",
    think=("[THINK]", "[/THINK]"),
    id_length=9,
)

QWEN_CODER = Format(
    "qwen_coder",
    call="<tool_call>\n<function=$name>\n$arguments</function>\n</tool_call>",
    calls=("", "\n", ""),
    arguments=Tagged("<parameter=$key>\n$value\n</parameter>\n"),
    before="\n\n",
)

FUNCTIONARY = Format("functionary", call="<function=$name>$arguments</function>")

FAMILIES = {
    family.name: family
    for family in (
        HERMES,
        QWEN3,
        GROQ,
        LLAMA3,
        MISTRAL,
        MISTRAL_SPM,
        MISTRAL_V11,
        MISTRAL_V13,
        QWEN_CODER,
        FUNCTIONARY,
    )
}
