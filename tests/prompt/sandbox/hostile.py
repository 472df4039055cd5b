"""Hostile chat templates: what each attempts, and its source."""

from __future__ import annotations

LISTS = "{% set n.l = [n.l, n.l] %}"
TWO = "{% set m = namespace(l=[1]) %}{% for i in range(99) %}" + LISTS + LISTS.replace("n.", "m.")
GROW = "{% set n = namespace(x='ab', l=[1]) %}"


def again(times: int, body: str) -> str:
    """A template that evaluates `body` many times, with a namespace to store values in."""
    return f"{GROW}{{% for i in range({times}) %}}{body}{{% endfor %}}"


ENDLESS = {
    "a loop of billions": "{% for i in range(1000000000) %}{% endfor %}",
    "loops in loops": "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3,
    "a test that is never true": "{% for a in range(99999) %}{% for b in range(99999) if b < 0 %}"
    "{% endfor %}{% endfor %}",
    "a loop that calls itself": "{% for a in [[1]] recursive %}{{ loop([[1]]) }}{{ loop([[1]]) }}"
    "{% endfor %}",
    "a list that grows as it is read": GROW
    + "{% for a in n.l %}{% set _ = n.l.append(a) %}{% endfor %}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself twice": "{% macro m(d) %}{% if d %}{{ m(d - 1) }}{{ m(d - 1) }}"
    "{% endif %}{% endmacro %}{{ m(60) }}",
    "callers that call": "{% macro m(d) %}{% if d %}{{ caller(d) }}{{ caller(d) }}{% endif %}"
    "{% endmacro %}{% macro k(d) %}{% call(e) m(d) %}{{ k(e - 1) }}{% endcall %}{% endmacro %}"
    "{{ k(60) }}",
    "a block that calls itself": "{% block b %}{{ self.b() }}{{ self.b() }}{% endblock %}",
    "filters in loops": again(99999, "{{ range(99999) | map('string') | list | length }}"),
    "a generator that finds nothing": again(99999, "{{ range(99999) | select('none') | first }}"),
    "a generator that is passed on": again(
        99999, "{{ range(99999) | map('abs') | map('abs') | reject('none') | last }}"
    ),
    "a long attribute": again(9999, "{{ range(99999) | map(attribute=('a.' * 99999)) | list }}"),
    "slices of slices": again(99999, "{% set _ = (range(99999) | list)[::-1] %}"),
    "a search from the end": "{{ ('a' * 999999).rfind('a' * 499999 + 'b') }}",
    "a strip of many characters": "{{ ('a' * 9999999).strip('b' * 9999999 + 'a') }}",
    "a search that is repeated": again(99999, "{{ 'b' in 'a' * 999999 }}"),
}

LARGE = {
    "a text times billions": "{{ 'a' * 10000000000 }}",
    "billions times a text": "{{ 10000000000 * 'a' }}",
    "a list times billions": "{{ ([0] * 10000000000) | length }}",
    "a product of products": "{{ 'a' * 99999 * 99999 * 99999 }}",
    "a power": "{{ 10 ** (10 ** 10) }}",
    "powers in loops": again(99, "{% set n.x = 7 %}")
    + "{% set n.x = 2 ** 4000 * 2 ** 4000 %}"
    + "{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "a sum that doubles": again(99, "{% set n.x = n.x + n.x %}"),
    "a list that doubles": again(99, "{% set n.l = n.l + n.l %}"),
    "a text joined to itself": again(99, "{% set n.x = n.x ~ n.x %}"),
    "a block of text that doubles": again(99, "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}"),
    "a macro that doubles": "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}"
    + again(99, "{% set n.x = m(n.x) %}"),
    "a replacement": "{{ ('a' * 99999).replace('a', 'b' * 99999) }}",
    "a replacement by a filter": "{{ ('a' * 99999) | replace('a', 'b' * 99999) }}",
    "a replacement of nothing": "{{ ('a' * 99999) | replace('', 'b' * 99999) }}",
    "a join": "{{ ('b' * 99999).join(['a'] * 99999) }}",
    "a join by a filter": "{{ (['a'] * 99999) | join('b' * 99999) }}",
    "a join of a generator": "{{ (['b' * 99999] * 99999) | map('string') | join }}",
    "a join of a generator by a method": "{{ ''.join((['b' * 99999] * 99999) | map('string')) }}",
    "a width": "{{ '%10000000000d' % 1 }}",
    "a width that is a value": "{{ '%*d' % (10000000000, 1) }}",
    "a width of a named value": "{{ '%((a))9999999999d' % {'(a)': 1} }}",
    "a precision": "{{ '%.10000000000f' % 1.0 }}",
    "a width of the format filter": "{{ '%10000000000d' | format(1) }}",
    "a width of the format method": "{{ '{:10000000000}'.format(1) }}",
    "a width in a width": "{{ '{:{}}'.format(1, 10000000000) }}",
    "a width by a map": "{{ '{a:10000000000}'.format_map({'a': 1}) }}",
    "a width in a test": "{{ '%10000000000d' is even }}",
    "a width in a rounding": "{{ '%10000000000d' is odd }}",
    "an indent": "{{ 'a\n\nb' | indent(10000000000) }}",
    "an indent of many lines": "{{ ('a\n' * 99999) | indent(99999) }}",
    "an indent that is a text": "{{ ('a\n' * 99999) | indent('b' * 99999) }}",
    "an indent of JSON": "{{ [[[1]]] | tojson(indent=10000000000) }}",
    "an indent of deep JSON": GROW
    + "{% for i in range(400) %}{% set n.l = [n.l] * 2 %}{% endfor %}"
    "{{ n.l | tojson(indent=16) }}",
    "a separator of JSON": "{{ ([1] * 99999) | tojson(separators=('a' * 99999, ':')) }}",
    "a text of a list of lists": again(99, LISTS) + "{{ n.l }}",
    "JSON of a list of lists": again(99, LISTS) + "{{ n.l | tojson }}",
    "a comparison of lists of lists": GROW
    + "{% set m = namespace(l=[1]) %}{% for i in range(99) %}"
    "{% set n.l = [n.l, n.l] %}{% set m.l = [m.l, m.l] %}{% endfor %}{{ n.l == m.l }}",
    "a test of lists of lists": GROW + TWO + "{% endfor %}{{ n.l is eq(m.l) }}",
    "a key of tuples of tuples": again(99, "{% set n.l = (n.l, n.l) %}") + "{{ {n.l: 1} }}",
    "an index of tuples of tuples": again(99, "{% set n.l = (n.l, n.l) %}") + "{{ {}[n.l] }}",
    "a refusal that is a list of lists": again(99, LISTS) + "{{ raise_exception(n.l) }}",
    "lists of lists out of a generator": again(99, LISTS) + "{{ [n.l] | select | tojson }}",
    "a namespace as text": again(99, LISTS) + "{{ n }}",
    "a list in itself": GROW + "{% set _ = n.l.append(n.l) %}" * 2 + "{{ n.l }}",
    "texts that are kept": again(99999, "{% set _ = n.l.append(('a' ~ i) * 99999) %}"),
    "lists that are kept": again(99999, "{% set _ = n.l.append(range(99999) | list) %}"),
    "pieces that are kept": again(99999, "{% set _ = n.l.append(('ab ' * 99999).split()) %}"),
    "text out of loops": "{% for a in range(99999) %}" * 2 + "x" * 9999 + "{% endfor %}" * 2,
}

COMPILED = {
    "parentheses": "{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}",
    "lists in lists": "{{ " + "[" * 9999 + "]" * 9999 + " }}",
    "a chain of sums": "{{ 1" + " + 1" * 9999 + " }}",
    "a chain of attributes": "{{ a" + ".b" * 9999 + " }}",
    "a chain of filters": "{{ 'a'" + " | upper" * 9999 + " }}",
    "loops in loops in loops": "{% for a in [] %}" * 99 + "{% endfor %}" * 99,
    "conditions in conditions": "{% if 1 %}" * 999 + "{% endif %}" * 999,
    "a long row of conditions": "{% if 0 %}" + "{% elif 0 %}" * 9999 + "{% endif %}",
    "a number of many digits": "{{ " + "9" * 9999 + " }}",
    "a constant that is a width": "{{ 'a' | center(10000000000) }}",
    "a constant that is wrapped": "{{ ('a' * 10000000000) | wordwrap(1) }}",
    "a constant that is doubled": "{{ ['a'] | batch(10000000000, 'b') | list }}",
    "a constant that is replaced": "{{ '"
    + "a" * 99999
    + "' | replace('a', '"
    + "b" * 99999
    + "') }}",
    "too much of it": "{{ 1 }}" * 99999,
    "a file": "{% include '/etc/passwd' %}",
    "half of it": "{% if",
}

REACHING = {
    "a class": "{{ ''.__class__ }}",
    "a class by a filter": "{{ '' | attr('__class__') }}",
    "a class by an item": "{{ ''['__class__'] }}",
    "a class by a format": "{{ '{0.__class__}'.format('') }}",
    "a class by a format that is mapped": "{{ ['{0.__class__}'] | map('format', '') | list }}",
    "a class by a map": "{{ [''] | map(attribute='__class__') | list }}",
    "a format method by a filter": "{{ ('{0.__class__}' | attr('format'))('') }}",
    "globals": "{{ raise_exception.__globals__ }}",
    "globals of a macro": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "a class of an object": "{{ messages[0].__class__ }}",
    "a class of a namespace": "{{ namespace().__class__ }}",
    "what a namespace has": "{{ namespace(a=1)._Namespace__attrs }}",
    "what a loop goes through": "{% for m in messages %}{{ loop._iterable }}{% endfor %}",
    "a change by a loop": "{% for m in messages %}{{ loop.changed(m) }}{% endfor %}",
    "a frame": "{{ (messages | select).gi_frame }}",
    "the environment": "{{ self._TemplateReference__context }}",
    "bytes": "{{ 'a'.encode() }}",
    "bytes of a number": "{{ (1).to_bytes(10000000000) }}",
    "a change of what it is given": "{{ messages.clear() }}",
    "a change of a message": "{{ messages[0].update({}) }}",
    "a filter of the sandbox's own": "{{ [-1000000000] | map(' spend') | list }}",
}
