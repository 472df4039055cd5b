"""The values of `format` that a grammar enforces, as regexes in the syntax of Rust's `regex`.

They admit a little less than JSON Schema does where that keeps them small: no leap seconds, no
quoted names before the @ of an address, at most nine digits in a row of digits without a limit.

Sources: RFC 3339 (dates, times, durations), RFC 5321 (email), RFC 1123 (hostname), RFC 3986 (URI,
IP addresses), RFC 9562 (UUID), RFC 6901 (JSON pointer).
"""

from __future__ import annotations

_LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DATE = (
    "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_TIME = (
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)

_NUMBER = "[0-9]{1,9}"
_DURATION_TIME = f"T({_NUMBER}H({_NUMBER}M({_NUMBER}S)?)?|{_NUMBER}M({_NUMBER}S)?|{_NUMBER}S)"
_DURATION_DATE = f"({_NUMBER}Y({_NUMBER}M({_NUMBER}D)?)?|{_NUMBER}M({_NUMBER}D)?|{_NUMBER}D)"

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SHORT_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,12}[A-Za-z0-9])?"
_HOSTNAME = rf"({_SHORT_LABEL}\.){{0,4}}{_LABEL}(\.{_LABEL}){{0,2}}"  # 251 characters; 253 may be
_IN_NAME = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_PARTED_NAME = rf"{_IN_NAME}{{1,31}}\.{_IN_NAME}{{1,31}}|{_IN_NAME}(\.?{_IN_NAME}){{0,31}}"
_NAME = f"({_IN_NAME}{{1,64}}|{_PARTED_NAME})"

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = f"({_H16}:{_H16}|{_IPV4})"


def _ipv6() -> str:
    """An address with all of its groups, or with `::` for one or more of them."""
    before = [f"({_H16}(:{_H16}){{0,{most}}})?" for most in range(7)]
    ways = [f"({_H16}:){{6}}{_LS32}", f"::({_H16}:){{5}}{_LS32}"]
    ways += [f"{before[4 - after]}::({_H16}:){{{after}}}{_LS32}" for after in range(4, 0, -1)]
    return (
        f"({'|'.join([*ways, f'{before[4]}::{_LS32}', f'{before[5]}::{_H16}', f'{before[6]}::'])})"
    )


_PCHAR = r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_IN_HOST = r"([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_PATH = f"(/{_PCHAR}*)*"
_AUTHORITY = rf"//({_IN_HOST}*@)?{_IN_HOST}*(:[0-9]{{1,5}})?{_PATH}"
_END = rf"(\?({_PCHAR}|[/?])*)?(#({_PCHAR}|[/?])*)?"
_URI = f"[A-Za-z][A-Za-z0-9+.-]*:({_AUTHORITY}|/({_PCHAR}+{_PATH})?|{_PCHAR}+{_PATH}){_END}"
_POINTER = "(/([^~/]|~[01])*)*"

FORMATS: dict[str, str] = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}[Tt]{_TIME}",
    "duration": f"P({_DURATION_DATE}({_DURATION_TIME})?|{_DURATION_TIME}|{_NUMBER}W)",
    "email": f"{_NAME}@{_HOSTNAME}",
    "hostname": _HOSTNAME,
    "ipv4": _IPV4,
    "ipv6": _ipv6(),
    "uuid": "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "uri": _URI,
    "json-pointer": _POINTER,
    "relative-json-pointer": f"(0|[1-9][0-9]{{0,8}})(#|{_POINTER})",
}

# The others that JSON Schema defines. Any other format is an annotation (2020-12, 7.2.3).
UNSUPPORTED_FORMATS = frozenset(
    (
        *("idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template"),
        "regex",
    )
)
