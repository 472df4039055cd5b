"""The formats of all model families. Data only.

`docs/adding-a-format.md` explains how to add one, `docs/decisions.md` why a call is declared as
its own text with placeholders.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.formats.format import AsJson, Elements, Format, Header, Literals, Tagged

NAMED = '{"name": "$name", "arguments": $arguments}'
PARAMETERS = '{"name": "$name", "parameters": $arguments}'
IDENTIFIED = '{"name": "$name", "arguments": $arguments, "id": "$id"}'

# What chat templates end a turn with. It is text only if the engine does not know it.
END_OF_TURN = (
    *("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|end_of_text|>"),
    *("<|endoftext|>", "</s>", "<|end|>", "<|return|>", "<|role_end|>", "<|end_of_msg|>"),
    *("<|END_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|>", "<end_of_turn>", "<turn|>"),
    *("<｜end▁of▁sentence｜>", "<end_of_sentence>", "<｜hy_eos:opensource｜>", "<seed:eos>"),
    *("<|assistant_end|>", "</assistant>", "<SPECIAL_12>", "<sep>", "[e~[", "<|message_sep|>"),
    *("<|user|>", "<|observation|>", "<|tool_response>"),
)

THINK = ("<think>", "</think>")
THINK_ON_LINES = ("<think>\n", "\n</think>\n")
THINK_APART = ("<think>\n", "\n</think>\n\n")

PYTHON = Literals(
    argument="$key=$value",
    pair="$key: $value",
    separator=", ",
    quotes=("'", "'"),
    has_escapes=True,
    constants=("True", "False", "None"),
    has_quoted_keys=True,
)

# -- JSON between tags

HERMES = Format(
    "hermes",
    call=f"<tool_call>\n{NAMED}\n</tool_call>",
    calls=("", "\n", ""),
    before_calls="\n",
)
QWEN3 = replace(HERMES, name="qwen3", think=THINK_APART)
BIELIK = replace(
    HERMES, name="bielik", think=THINK_ON_LINES, calls=("\n", "\n", ""), before_calls=""
)
REKA = replace(HERMES, name="reka", think=THINK_APART, calls=("", "", ""))

GROQ = Format(
    "groq",
    call='<tool_call>\n{"id": $index, "name": "$name", "arguments": $arguments}\n</tool_call>',
    calls=("", "\n", ""),
    before_calls="\n",
)
FUNCTIONARY = Format("functionary", call="<function=$name>$arguments</function>")
FUNCTIONARY_V32 = Format(
    "functionary_v32",
    call=">>>$name\n$arguments",
    content=(">>>all\n", ""),
)
MINIMAX_M1 = Format(
    "minimax_m1",
    call=NAMED,
    calls=("<tool_calls>\n", "\n", "\n</tool_calls>"),
    before_calls="\n",
)
GIGACHAT3 = Format(
    "gigachat3",
    call=f"<|message_sep|>\n\nfunction call<|role_sep|>\n{NAMED}",
    trigger="<|message_sep|>\n\nfunction call",
    single_call=True,
)
GIGACHAT31 = Format("gigachat31", call=f"<|function_call|>{NAMED}", single_call=True)
INTERNLM2 = Format(
    "internlm2",
    call=f"<|action_start|><|plugin|>{PARAMETERS}<|action_end|>",
    single_call=True,
)

# -- JSON alone

LLAMA3 = Format(
    "llama3",
    call=PARAMETERS,
    calls=("", "; ", ""),
    trigger='{"name": "',
    calls_exclude_text=True,
    variants=(
        Format(
            "llama3",
            PARAMETERS,
            calls=("[", ", ", "]"),
            trigger='[{"name": "',
            calls_exclude_text=True,
        ),
        Format("llama3", PARAMETERS, calls=("<|python_tag|>", "; ", "")),
        Format("llama3", PARAMETERS, calls=("<|python_tag|>[", ", ", "]")),
    ),
)
XLAM = Format(
    "xlam", call=NAMED, calls=("[", ", ", "]"), trigger='[{"name": "', calls_exclude_text=True
)
# What models write well that write no tags: templates/qwen2.5-coder.jinja asks for it.
JSON_BLOCK = Format(
    "json_block",
    call=NAMED,
    calls=("```json\n[", ", ", "]\n```"),
    before_calls="\n\n",
    trigger='```json\n[{"name": "',
)

# -- arrays of JSON

MISTRAL = Format(
    "mistral",
    call=IDENTIFIED,
    calls=("[TOOL_CALLS][", ", ", "]"),
    trigger="[TOOL_CALLS]",
    id_length=9,
)
# With a SentencePiece vocabulary, a space follows the marker.
MISTRAL_SPM = replace(MISTRAL, name="mistral_spm", calls=("[TOOL_CALLS] [", ", ", "]"))
MISTRAL_V2 = replace(MISTRAL, name="mistral_v2", call=NAMED, id_length=None)
MISTRAL_V2_SPM = replace(MISTRAL_SPM, name="mistral_v2_spm", call=NAMED, id_length=None)
FIREFUNCTION = Format(
    "firefunction",
    call=NAMED,
    calls=(" functools[", ", ", "]"),
    trigger="functools[",
)
NEMOTRON_NANO = Format(
    "nemotron_nano",
    call=NAMED,
    calls=("<TOOLCALL>[", ", ", "]</TOOLCALL>"),
    before_calls="\n",
    think=THINK_ON_LINES,
)
APRIEL = Format(
    "apriel",
    call=IDENTIFIED,
    calls=("\n<tool_calls>[", ", ", "]</tool_calls>"),
    think=("Here are my reasoning steps:\n", "\n[BEGIN FINAL RESPONSE]\n"),
    id_length=9,
)
APERTUS = Format(
    "apertus",
    call='{"$name": $arguments}',
    calls=("<|tools_prefix|>[", ", ", "]<|tools_suffix|>"),
    think=("<|inner_prefix|>", "<|inner_suffix|>"),
)
PHI4_MINI = Format("phi4_mini", call=NAMED, calls=("<|tool_call|>[", ", ", "]<|/tool_call|>"))
GRANITE3 = Format("granite3", call=NAMED, calls=("<|tool_call|>[", ", ", "]"))
COMMAND_R = Format(
    "command_r",
    call='    {\n        "tool_name": "$name",\n        "parameters": $arguments\n    }',
    calls=("\nAction:\n```json\n[\n", ",\n", "\n]```"),
    arguments=AsJson(indent=4, depth=2),
    trigger="Action:\n```json",
)
COMMAND_A = Format(
    "command_a",
    call='    {"tool_call_id": "$index", "tool_name": "$name", "parameters": $arguments}',
    calls=("<|START_ACTION|>[\n", ",\n", "\n]<|END_ACTION|>"),
    think=("<|START_THINKING|>", "<|END_THINKING|>"),
    content=("<|START_TEXT|>", "<|END_TEXT|>"),
)
COMMAND_R7B = replace(
    COMMAND_A,
    name="command_r7b",
    content=("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    empty_think="<|START_THINKING|><|END_THINKING|>",
)

# -- a name, then JSON arguments

MISTRAL_V11 = Format(
    "mistral_v11",
    call="[TOOL_CALLS]$name[CALL_ID]$id[ARGS]$arguments",
    id_length=9,
    variants=(Format("mistral_v11", call="[TOOL_CALLS]$name[ARGS]$arguments"),),
)
MISTRAL_V11_THINK = replace(MISTRAL_V11, name="mistral_v11_think", think=THINK)
MISTRAL_V13 = Format(
    "mistral_v13",
    call="[TOOL_CALLS]$name[ARGS]$arguments",
    think=("[THINK]", "[/THINK]"),
    id_length=9,
)
DEEPSEEK_R1 = Format(
    "deepseek_r1",
    call=(
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>$name\n```json\n$arguments\n```<｜tool▁call▁end｜>"
    ),
    calls=("<｜tool▁calls▁begin｜>", "\n", "<｜tool▁calls▁end｜>"),
    think=THINK_APART,
)
DEEPSEEK_V31 = Format(
    "deepseek_v31",
    call="<｜tool▁call▁begin｜>$name<｜tool▁sep｜>$arguments<｜tool▁call▁end｜>",
    calls=("<｜tool▁calls▁begin｜>", "", "<｜tool▁calls▁end｜>"),
    think=THINK,
)
KIMI_K2 = Format(
    "kimi_k2",
    call=(
        "<|tool_call_begin|>functions.$name:$index<|tool_call_argument_begin|>$arguments"
        "<|tool_call_end|>"
    ),
    calls=("<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>"),
    think=THINK,
    variants=(
        Format(
            "kimi_k2",
            call=(
                "<|tool_call_begin|>$name:$index<|tool_call_argument_begin|>$arguments"
                "<|tool_call_end|>"
            ),
            calls=("<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>"),
        ),
    ),
)
SOLAR_OPEN = Format(
    "solar_open",
    call=(
        "<|tool_call:begin|>$id<|tool_call:name|>$name<|tool_call:args|>$arguments<|tool_call:end|>"
    ),
    calls=("<|tool_calls|>", "", "<|calls|>"),
    think=("<|think|>", "<|end|>"),
    content=("<|content|>", ""),
    content_before_calls=("<|content|>", "<|end|>"),
    section_separator="<|begin|>assistant",
)
HARMONY = Format(
    "harmony",
    call="<|channel|>commentary to=functions.$name <|constrain|>json<|message|>$arguments",
    calls=("", "", "<|call|>"),
    trigger="<|channel|>commentary to=",
    think=("<|channel|>analysis<|message|>", "<|end|>"),
    content=("<|channel|>final<|message|>", ""),
    content_before_calls=("<|channel|>commentary<|message|>", "<|end|>"),
    section_separator="<|start|>assistant",
    single_call=True,
    header=Header(
        channel="<|channel|>",
        recipient="to=",
        end="<|message|>",
        channels=("analysis", "commentary", "comment", "final"),
        namespace="functions.",
        own_tools=("browser", "container", "python"),
    ),
    variants=(
        Format("harmony", call="to=functions.$name<|channel|>commentary json<|message|>$arguments"),
    ),
)

# -- each argument between tags

_FUNCTION = "<function=$name>\n$arguments</function>"
_PARAMETER = Tagged("<parameter=$key>\n$value\n</parameter>\n")

QWEN_CODER = Format(
    "qwen_coder",
    call=f"<tool_call>\n{_FUNCTION}\n</tool_call>",
    calls=("", "\n", ""),
    arguments=_PARAMETER,
    before_calls="\n\n",
    variants=(Format("qwen_coder", call=_FUNCTION, arguments=_PARAMETER),),
)
QWEN35 = replace(QWEN_CODER, name="qwen35", think=THINK_APART)
NEMOTRON3 = replace(
    QWEN35,
    name="nemotron3",
    before_calls="\n",
    think=THINK_ON_LINES,
    empty_think="<think></think>\n",
)
STEP35 = replace(NEMOTRON3, name="step35", before_calls="", calls=("", "", ""), empty_think="")

SEED_OSS = Format(
    "seed_oss",
    call="<seed:tool_call>\n<function=$name>\n$arguments</function>\n</seed:tool_call>",
    calls=("", "\n", ""),
    arguments=Tagged("<parameter=$key>$value</parameter>\n"),
    before_calls="\n\n",
    think=("<seed:think>", "</seed:think>\n"),
)
GLM45 = Format(
    "glm45",
    call="<tool_call>$name\n$arguments</tool_call>",
    calls=("", "\n", ""),
    arguments=Tagged("<arg_key>$key</arg_key>\n<arg_value>$value</arg_value>\n"),
    before_calls="\n",
    think=("\n<think>", "</think>\n"),
    empty_think="\n<think></think>\n",
)
GLM47 = Format(
    "glm47",
    call="<tool_call>$name$arguments</tool_call>",
    arguments=Tagged("<arg_key>$key</arg_key><arg_value>$value</arg_value>"),
    think=THINK,
)
LAGUNA_XS = replace(GLM45, name="laguna_xs", think=THINK_ON_LINES, empty_think="")
LING3 = replace(
    GLM45,
    name="ling3",
    call="<tool_call>$name\n$arguments\n</tool_call>",
    arguments=Tagged("<arg_key>$key</arg_key>\n<arg_value>$value</arg_value>"),
    think=THINK,
    empty_think="<think></think>",
)
# After a space, a value has the same tokens as in the text that the user wrote.
SMOLLM2_TOOLS = Format(
    "smollm2_tools",
    call="<tool_call>\n$name\n$arguments</tool_call>",
    calls=("", "\n", ""),
    arguments=Tagged("<arg> $key: $value</arg>\n", key_escapes=(("&", "&amp;"), (":", "&colon;"))),
    before_calls="\n",
    reserves_start=True,
)
HY3 = Format(
    "hy3",
    call=("<tool_call:opensource>$name<tool_sep:opensource>\n$arguments</tool_call:opensource>"),
    calls=("<tool_calls:opensource>\n", "\n", "\n</tool_calls:opensource>"),
    arguments=Tagged(
        "<arg_key:opensource>$key</arg_key:opensource>\n"
        "<arg_value:opensource>$value</arg_value:opensource>\n"
    ),
    think=("<think:opensource>", "</think:opensource>"),
)
MINIMAX_M2 = Format(
    "minimax_m2",
    call='<invoke name="$name">\n$arguments</invoke>',
    calls=("\n<minimax:tool_call>\n", "\n", "\n</minimax:tool_call>"),
    arguments=Tagged('<parameter name="$key">$value</parameter>\n'),
    think=THINK_APART,
)
MINICPM5 = Format(
    "minicpm5",
    call='<function name="$name">$arguments</function>',
    calls=("", "\n", ""),
    arguments=Tagged(
        '<param name="$key">$value</param>', wrap=("<![CDATA[", "]]>"), wrap_if_any="<&\n"
    ),
    before_calls="\n",
    trigger="<function name=",
    think=THINK_APART,
)

_JSON_TYPES = ("boolean", "number", "object", "array", "null")

_DSML = Tagged(
    '<｜DSML｜parameter name="$key" string="$type">$value</｜DSML｜parameter>\n',
    types={"string": "true", **dict.fromkeys(_JSON_TYPES, "false")},
)
DEEPSEEK_V32 = Format(
    "deepseek_v32",
    call='<｜DSML｜invoke name="$name">\n$arguments</｜DSML｜invoke>',
    calls=("\n\n<｜DSML｜function_calls>\n", "\n", "\n</｜DSML｜function_calls>"),
    arguments=_DSML,
    think=THINK,
)
_V4_CALLS = ("\n\n<｜DSML｜tool_calls>\n", "\n", "\n</｜DSML｜tool_calls>")
DEEPSEEK_V4 = replace(
    DEEPSEEK_V32,
    name="deepseek_v4",
    call='<｜DSML｜invoke name="$name">\n$arguments\n</｜DSML｜invoke>',
    arguments=replace(_DSML, argument=_DSML.argument.rstrip(), separator="\n"),
    calls=_V4_CALLS,
    trigger="<｜DSML｜tool_calls>",
    variants=(Format("deepseek_v4", call='<｜DSML｜invoke name="$name"/>', calls=_V4_CALLS),),
)
DEEPSEEK_V41 = replace(
    DEEPSEEK_V32,
    name="deepseek_v41",
    call='<｜DSML｜ invoke name="$name">\n$arguments</｜DSML｜ invoke>',
    calls=("\n\n<｜DSML｜ calls>\n", "\n", "\n</｜DSML｜ calls>"),
    trigger="<｜DSML｜ calls>",
    arguments=replace(
        _DSML,
        argument='<｜DSML｜ parameter name="$key" string="$type">$value</｜DSML｜ parameter>\n',
    ),
)
KIMI_K3 = Format(
    "kimi_k3",
    call='<|open|>call tool="$name" index="$index"<|sep|>$arguments<|close|>call<|sep|>',
    calls=("<|open|>tools<|sep|>", "", "<|close|>tools<|sep|>"),
    arguments=Tagged(
        '<|open|>argument key="$key" type="$type"<|sep|>$value<|close|>argument<|sep|>',
        types={name: name for name in ("string", *_JSON_TYPES)},
        key_escapes=(("&", "&amp;"), ('"', "&quot;")),
    ),
    first_index=1,
    trigger="<|open|>tools<|sep|>",
    think=("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    content=("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
    empty_content="<|open|>response<|sep|><|close|>response<|sep|>",
    turn_end="<|close|>message<|sep|>",
)
MUSE = Format(
    "muse",
    call=(
        ' to=$name<|message|><atem:function_calls>\n<atem:invoke name="$name">\n$arguments'
        "</atem:invoke>\n</atem:function_calls>"
    ),
    calls=("", "<|eom|><|start|>assistant", ""),
    arguments=Tagged('<atem:parameter name="$key">$value</atem:parameter>\n'),
    think=(" to=self<|message|>", "<|eom|>"),
    content=(" to=user<|message|>", ""),
    content_before_calls=(" to=user<|message|>", "<|eom|>"),
    section_separator="<|start|>assistant",
    trigger="to=",
    calls_are_sections=True,
)

# -- literals and elements

LLAMA4 = Format(
    "llama4",
    call="$name($arguments)",
    calls=("[", ", ", "]"),
    arguments=PYTHON,
    trigger="[",
    calls_exclude_text=True,
    variants=(
        Format(
            "llama4",
            call="$name($arguments)",
            calls=("<|python_start|>[", ", ", "]<|python_end|>"),
            arguments=PYTHON,
        ),
        LLAMA3,
        *LLAMA3.variants,
    ),
)
LFM2 = Format(
    "lfm2",
    call="$name($arguments)",
    calls=("<|tool_call_start|>[", ", ", "]<|tool_call_end|>"),
    arguments=PYTHON,
    think=THINK,
)
_GEMMA = Literals(
    argument="$key:$value",
    pair="$key:$value",
    separator=",",
    quotes=('<|"|>', '<|"|>'),
    sorts_keys=True,
)
_FUNCTION_GEMMA = replace(_GEMMA, quotes=("<escape>", "<escape>"))
GEMMA4 = Format(
    "gemma4",
    call="<|tool_call>call:$name{$arguments}<tool_call|>",
    arguments=_GEMMA,
    think=("<|channel>thought\n", "\n<channel|>"),
    variants=(
        Format(
            "gemma4",
            call="<|tool_call>call:$name{{$arguments}}<tool_call|>",
            arguments=_GEMMA,
            think=("<|channel>thought", "<channel|>"),
        ),
        Format(
            "gemma4",
            call="<|tool_call>call:$name($arguments)<tool_call|>",
            arguments=replace(_GEMMA, argument="$key=$value"),
        ),
    ),
)
FUNCTION_GEMMA = Format(
    "function_gemma",
    call="<start_function_call>call:$name{$arguments}<end_function_call>",
    arguments=_FUNCTION_GEMMA,
    variants=(
        Format(
            "function_gemma",
            call="<start_function_call>call:$name{{$arguments}}<end_function_call>",
            arguments=_FUNCTION_GEMMA,
        ),
        Format(
            "function_gemma",
            call="<start_function_call>call:$name($arguments)<end_function_call>",
            arguments=replace(_FUNCTION_GEMMA, argument="$key=$value"),
        ),
    ),
)
_M3 = "]<]minimax[>["
MINIMAX_M3 = Format(
    "minimax_m3",
    call=f'{_M3}<invoke name="$name">$arguments{_M3}</invoke>\n',
    calls=(f"{_M3}<tool_call>\n", "", f"{_M3}</tool_call>"),
    arguments=Elements(f"{_M3}<$key>$value{_M3}</$key>"),
    think=("<mm:think>", "</mm:think>"),
)

FAMILIES = {
    family.name: family for family in list(globals().values()) if isinstance(family, Format)
}
