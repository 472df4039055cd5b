"""Functions with all kinds of hints and docstrings; some of them cannot be tools."""

# ruff: noqa: UP006, UP007, UP035, UP045, RUF036, PIE796

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, Union

Shape = Callable[..., Any]
SHAPES: dict[str, Shape] = {}


def shape(function: Shape) -> Shape:
    SHAPES[function.__name__] = function
    return function


class Colour(Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    TEXT = "a"
    NUMBER = 1.5
    FLAG = True
    NOTHING = None


class Pair(Enum):
    BOTH = (1, 2)


class Custom:
    pass


# -- the docstring


@shape
def takes_nothing() -> None:
    """Do nothing at all."""


@shape
def one_line(city: str) -> str:
    """Look a city up.

    Args:
        city: The city
    """
    return city


@shape
def several_paragraphs(city: str) -> str:
    """Look a city up.

    It is looked up in a book,
      which is old.

    Args:
        city: The city

    Returns:
        What the book says
    """
    return city


@shape
def starts_on_the_second_line(city: str) -> str:
    """
    Look a city up.

    Args:
        city: The city
    Returns:
        What the book says,
        in two lines.
    """
    return city


@shape
def long_descriptions(city: str, street: str, house: int) -> None:
    """Find a house.

    Args:
        city: The city, which may have
            a name of several lines
            and a note: it is read, too
        street:
            The street

        house: The house's number,
        counted from 1
    """


@shape
def raises_something(city: str) -> str:
    """Look a city up.

    Args:
        city: The city

    Returns:
        What the book says

    Raises:
        KeyError: it is not in the book
    """
    return city


@shape
def raises_before_it_returns(city: str) -> str:
    """Look a city up.

    Args:
        city: The city
    Raises:
        KeyError: it is not in the book
    Returns:
        What the book says
    """
    return city


@shape
def returns_first(city: str) -> str:
    """Look a city up.

    Returns:
        What the book says

    Args:
        city: The city
    """
    return city


@shape
def returns_in_the_same_line(city: str) -> str:
    """Look a city up. Returns: what the book says.

    Args:
        city: The city
    """
    return city


@shape
def other_sections(city: str) -> str:
    """Look a city up.

    Args:
        city: The city

    Examples:
        one: Paris
    """
    return city


@shape
def deep_arguments(city: str, street: str) -> None:
    """Find a street.

    Args:
            city: The city
          street: The street
    """


@shape
def describes_too_many(city: str) -> None:
    """Look a city up.

    Args:
        city: The city
        country: There is none
    """


@shape
def describes_twice(city: str) -> None:
    """Look a city up.

    Args:
        city: The town
        city: The city
    """


@shape
def other_letters(città: str) -> None:
    """Schlag eine Straße nach – ☂.

    Args:
        città: La città, «così»
    """


@shape
def only_sections() -> str:
    """Returns:
    Nothing much
    """
    return ""


@shape
def two_blank_lines_between(a: int, b: int) -> int:
    """Add two numbers.


    Args:

        a: The first


        b: The second


    Returns:

        Their sum
    """
    return a + b


# -- choices


@shape
def choices(unit: str) -> None:
    """Choose a unit.

    Args:
        unit: The unit (choices: ["celsius", " fahrenheit "])
    """


@shape
def choices_of_numbers(size: int, share: float) -> None:
    """Choose a size.

    Args:
        size: The size (Choices: [1, 2, 3])
        share: The share (choices:[0.5, 1])
    """


@shape
def choices_over_lines(unit: str) -> None:
    """Choose a unit.

    Args:
        unit: The unit
            (choices: ["a",
                "b"])
    """


@shape
def choices_in_the_middle(unit: str) -> None:
    """Choose a unit.

    Args:
        unit: The unit (choices: ["a", "b"]), or none
    """


@shape
def choices_of_a_literal(unit: Literal["a", "b", "c"]) -> None:
    """Choose a unit.

    Args:
        unit: The unit (choices: ["a", "b"])
    """


@shape
def choices_with_a_bracket(unit: str) -> None:
    """Choose a unit.

    Args:
        unit: The unit (any) (choices: ["a (b)", "c"])
    """


# -- type hints


@shape
def scalars(a: str, b: int, c: float, d: bool, e: None) -> None:
    """Take scalars.

    Args:
        a: Text
        b: A whole number
        c: A number
        d: Yes or no
        e: Nothing
    """


@shape
def lists(a: list[str], b: list[list[int]], c: list, d: List[int], e: List) -> list[str]:  # type: ignore[type-arg]
    """Take lists.

    Args:
        a: Texts
        b: Tables
        c: Anything
        d: Numbers
        e: Anything
    """
    return a


@shape
def objects(
    a: dict,  # type: ignore[type-arg]
    b: dict[str, int],
    c: Dict[str, List[float]],
    d: Dict,  # type: ignore[type-arg]
    e: dict[str, Any],
) -> dict[str, bool]:
    """Take objects.

    Args:
        a: Anything
        b: Numbers
        c: Lists
        d: Anything
        e: Any values
    """
    return {}


@shape
def tuples(a: tuple[int, str], b: Tuple[float, float, bool], c: tuple, d: tuple[()]) -> None:  # type: ignore[type-arg]
    """Take tuples.

    Args:
        a: A number and a name
        b: A point and whether it counts
        c: Anything
        d: Nothing
    """


@shape
def anything(a: Any, b: list[Any], c: Optional[Any]) -> Any:
    """Take anything.

    Args:
        a: Anything
        b: A list of it
        c: It, or nothing
    """


@shape
def optionals(a: Optional[int], b: int | None, c: Union[str, None], d: None | list[int]) -> None:
    """Take what may be null.

    Args:
        a: A number
        b: A number
        c: Text
        d: Numbers
    """


@shape
def unions(
    a: int | str,
    b: Union[str, float, int],
    c: int | str | None,
    d: list[int] | str,
    e: Optional[Union[Dict[str, int], List[str]]],
    f: list | tuple,  # type: ignore[type-arg]
    g: Literal["x"] | int,
    h: Any | int,
) -> int | None:
    """Take one or the other.

    Args:
        a: Two
        b: Three
        c: Two, or nothing
        d: Of different kinds
        e: Both are deep
        f: Both are arrays
        g: A word, or a number
        h: Anything
    """
    return None


@shape
def unions_within(
    a: list[int | None], b: dict[str, int | str], c: list[Optional[list[str]]]
) -> None:
    """Take unions inside of others.

    Args:
        a: Numbers
        b: Numbers and texts
        c: Lists
    """


@shape
def literals(
    a: Literal["x", "y"],
    b: Literal[1, 2],
    c: Literal["x", 1, True],
    d: Literal["x", None],
    e: Optional[Literal["x", "y"]],
    f: list[Literal["x", "y"]],
) -> None:
    """Take one of a few.

    Args:
        a: A word
        b: A number
        c: This or that
        d: A word or nothing
        e: A word or nothing
        f: Words
    """


@shape
def enums(a: Colour, b: Level, c: Mixed, d: list[Colour], e: Colour | None = None) -> Colour:
    """Take one of a few.

    Args:
        a: A colour
        b: A level
        c: This or that
        d: Colours
        e: A colour or nothing
    """
    return a


@shape
def annotated(a: Annotated[int, "more"], b: list[Annotated[str, 5]]) -> None:
    """Take what has notes.

    Args:
        a: A number
        b: Texts
    """


@shape
def quoted(a: "list[Colour]", b: "int | None" = None) -> None:  # noqa: UP037
    """Take what is named later.

    Args:
        a: Colours
        b: A number
    """


# -- the signature


@shape
def defaults(a: str, b: int = 3, c: str | None = None, *, d: bool = False, e: float) -> None:
    """Take what may be left out.

    Args:
        a: Text
        b: A number (choices: [1, 3])
        c: Text, if any
        d: Yes or no
        e: A number
    """


@shape
def all_defaults(a: str = "", b: int = 0) -> None:
    """Take what may be left out.

    Args:
        a: Text
        b: A number
    """


@shape
def positional(a: int, b: int = 1, /, c: int = 2) -> None:
    """Take what has its place.

    Args:
        a: The first
        b: The second
        c: The third
    """


@shape
def returns_a_custom(a: int) -> Custom:
    """Make something of one's own.

    Args:
        a: A number

    Returns:
        Something
    """
    return Custom()


@shape
def returns_without_saying(a: int) -> list[int]:
    """Make a list.

    Args:
        a: A number
    """
    return [a]


@shape
def says_returns_without_a_hint(a: int):  # type: ignore[no-untyped-def]
    """Make a list.

    Args:
        a: A number

    Returns:
        A list
    """
    return [a]


@shape
async def waits(a: int) -> int:
    """Wait a while.

    Args:
        a: How long
    """
    return a


def _logged(function: Shape) -> Shape:
    @functools.wraps(function)
    def logged(*args: Any, **more: Any) -> Any:
        return function(*args, **more)

    return logged


@shape
@_logged
def wrapped(a: Colour, b: int = 1) -> int:
    """Be wrapped.

    Args:
        a: A colour
        b: A number
    """
    return b


class Holder:
    def method(self, a: int) -> int:
        """Be a method.

        Args:
            a: A number
        """
        return a

    @classmethod
    def of_class(cls, a: int) -> int:
        """Be a class's method.

        Args:
            a: A number
        """
        return a

    @staticmethod
    def of_none(a: int) -> int:
        """Be nobody's method.

        Args:
            a: A number
        """
        return a


SHAPES |= {
    "a method": Holder().method,
    "a method of no object": Holder.method,
    "a class's method": Holder.of_class,
    "nobody's method": Holder.of_none,
}


# -- what can't be a tool


@shape
def no_docstring(a: int) -> int:
    return a


@shape
def an_empty_docstring(a: int) -> int:
    """"""
    return a


@shape
def no_hint(a) -> None:  # type: ignore[no-untyped-def]
    """Take something.

    Args:
        a: Something
    """


@shape
def one_hint_of_two(a: int, b=2) -> None:  # type: ignore[no-untyped-def]
    """Take something.

    Args:
        a: A number
        b: Something
    """


@shape
def an_argument_is_not_described(a: int, b: int) -> None:
    """Take two.

    Args:
        a: A number
    """


@shape
def no_arguments_section(a: int) -> None:
    """Take a number."""


@shape
def begins_with_its_arguments(a: int) -> None:
    """Args:
    a: A number
    """


@shape
def types_in_the_docstring(a: int) -> None:
    """Take a number.

    Args:
        a (int): A number
    """


@shape
def a_custom_type(a: Custom) -> None:
    """Take something of one's own.

    Args:
        a: Something
    """


@shape
def a_custom_type_within(a: list[Custom | int]) -> None:
    """Take something of one's own.

    Args:
        a: Something
    """


@shape
def bytes_are_no_json(a: bytes) -> None:
    """Take bytes.

    Args:
        a: Bytes
    """


@shape
def sets_are_no_json(a: set[int]) -> None:
    """Take a set.

    Args:
        a: A set
    """


@shape
def functions_are_no_json(a: Callable[[int], int]) -> None:
    """Take a function.

    Args:
        a: A function
    """


@shape
def a_tuple_of_one(a: tuple[int]) -> None:
    """Take a tuple.

    Args:
        a: A tuple
    """


@shape
def a_tuple_of_any_length(a: tuple[int, ...]) -> None:
    """Take a tuple.

    Args:
        a: A tuple
    """


@shape
def an_enum_of_tuples(a: Pair) -> None:
    """Take a pair.

    Args:
        a: A pair
    """


@shape
def an_enum_of_nothing(a: Enum) -> None:
    """Take one of none.

    Args:
        a: One
    """


@shape
def a_literal_of_bytes(a: Literal[b"x"]) -> None:
    """Take a word.

    Args:
        a: A word
    """


@shape
def choices_that_are_not_json(a: str) -> None:
    """Take a word.

    Args:
        a: A word (choices: ['x', 'y'])
    """
