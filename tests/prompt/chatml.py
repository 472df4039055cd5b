"""A ChatML template with a gap for assistant turns."""

from __future__ import annotations

CHATML = """\
{% if tools %}{{ tools | tojson }}{% endif %}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}SAYS{% else %}{{ message.content }}{% endif %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}
"""

ANY = CHATML.replace("SAYS", "{{ message | turn }}")

CALLS = r"""{% for call in message.tool_calls %}{{ '\n' }}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}"""
