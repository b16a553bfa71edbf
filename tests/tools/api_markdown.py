"""Docstrings and signatures as Markdown."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import interstore

__all__ = ["entry", "prose"]

_SECTION: Final = re.compile(r"(Args|Attributes|Raises|Returns|Yields):\s*$")
_ITEM: Final = re.compile(r"(\*{0,2}\w[\w, ]*)(?::\s*|\.$)(.*)", re.DOTALL)
_TITLES: Final = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Raises": "Raises",
    "Returns": "Returns",
    "Yields": "Yields",
}
WIDTH: Final = 96


def entry(name: str, thing: Any, module: str) -> Iterator[str]:
    """The lines about one public name: a class with its methods, or a function.

    Args:
        name: the name.
        thing: what it stands for.
        module: the module to import it from, where that is not the package itself.
    """
    yield from _heading(name, 2)
    if module != "interstore":
        yield from [f"`from {module} import {name}`", ""]
    if inspect.isclass(thing):
        yield from _class(name, thing)
    else:
        yield from _function(name, thing)


def prose(docstring: str | None) -> Iterator[str]:
    """A docstring as Markdown."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        if match := _SECTION.match(line):
            body, number = _indented(lines, number + 1)
            yield from _section(match.group(1), body)
        elif line.endswith("::"):
            body, number = _indented(lines, number + 1)
            yield from [_inline(line[:-1]), "", "```text", *body, "```", ""]
        elif line.startswith("=="):
            end = max(at for at in range(number, len(lines)) if lines[at].startswith("=="))
            yield from ["```text", *lines[number : end + 1], "```"]
            number = end + 1
        elif line.startswith("    ") and not lines[number - 1].strip():
            body, number = _indented(lines, number)
            yield from ["```text", *body, "```", ""]
        else:
            yield _inline(line)
            number += 1
    if lines:
        yield ""


def _indented(lines: list[str], number: int) -> tuple[list[str], int]:
    """The indented block at `number`, without its indentation, and where it ends."""
    end = number
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
        end += 1
    body = textwrap.dedent("\n".join(lines[number:end])).strip("\n").splitlines()
    return body, end


def _section(name: str, body: list[str]) -> Iterator[str]:
    if name in ("Returns", "Yields"):
        yield from [f"**{_TITLES[name]}** " + _inline(" ".join(map(str.strip, body))), ""]
        return
    yield from [f"**{_TITLES[name]}**", ""]
    for item in _items(body):
        match = _ITEM.match(item)
        if match is None:
            yield f"- {_inline(item)}"
            continue
        names = ", ".join(f"`{each.strip()}`" for each in match.group(1).split(","))
        text = match.group(2).strip()
        yield f"- {names}: {_inline(text)}" if text else f"- {names}"
    yield ""


def _items(body: list[str]) -> Iterator[str]:
    item = ""
    for line in body:
        if line.startswith(" ") or not item:
            item = f"{item} {line.strip()}".strip()
        else:
            yield item
            item = line.strip()
    if item:
        yield item


def _inline(text: str) -> str:
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return re.sub(r"(?<![`\w])<(\w+)>", r"&lt;\1&gt;", text)


def _heading(name: str, level: int) -> Iterator[str]:
    yield from [f"{'#' * level} `{name}`", ""]


def _function(name: str, function: Any) -> Iterator[str]:
    yield from ["```pyi", _signature(name, function), "```", ""]
    yield from prose(function.__doc__)


class _Verbatim:
    """An annotation as the source has it, without the quotes of its representation."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [
        _plain(each) for each in signature.parameters.values() if each.name not in ("self", "cls")
    ]
    signature = signature.replace(
        parameters=parameters, return_annotation=_verbatim(signature.return_annotation)
    )
    shown = f"def {name}{signature}"
    if len(shown) <= WIDTH:
        return shown
    parts: list[str] = []
    star = False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        star = star or each.kind is each.VAR_POSITIONAL
        parts.append(str(each))
    returns = signature.return_annotation
    arrow = "" if returns is signature.empty else f" -> {returns}"
    return f"def {name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){arrow}"


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=_verbatim(parameter.annotation))


def _verbatim(annotation: Any) -> Any:
    return _Verbatim(annotation) if isinstance(annotation, str) else annotation


def _class(name: str, kind: type[Any]) -> Iterator[str]:
    bases = [base.__name__ for base in kind.__bases__ if base.__module__ == "interstore.errors"]
    if bases:
        yield from [f"A kind of `{bases[0]}`.", ""]
    described = list(_described_fields(kind))
    if not described:
        yield from _shape(name, kind)
    yield from prose(kind.__doc__)
    if described:
        yield from [*described, ""]
    for member, value in _members(kind):
        yield from _heading(member, 3)
        if isinstance(value, property):
            yield from prose(value.__doc__)
        else:
            yield from _function(member, value)


def _body(kind: type[Any]) -> list[ast.stmt]:
    [source] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(source, ast.ClassDef)
    return source.body


def _shape(name: str, kind: type[Any]) -> Iterator[str]:
    """The fields of a class that is made of fields; else how an instance is made."""
    if issubclass(kind, Exception):
        return
    fields = [
        ast.unparse(statement)
        for statement in _body(kind)
        if isinstance(statement, (ast.AnnAssign, ast.Assign))
        and not ast.unparse(statement).startswith("_")
    ]
    if fields:
        yield from ["```pyi", f"class {name}:", *(f"    {field}" for field in fields), "```", ""]
    elif any("__init__" in vars(each) for each in _parts(kind)) and not getattr(
        kind, "_is_protocol", False
    ):
        call = _signature(name, kind.__init__).removeprefix("def ").removesuffix(" -> None")
        yield from ["```pyi", call, "```", ""]


def _described_fields(kind: type[Any]) -> Iterator[str]:
    """Fields with a docstring of their own beneath them, which only the source knows."""
    for field, following in pairwise(_body(kind)):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            default = "" if field.value is None else f" = {ast.unparse(field.value)}"
            shown = f"`{field.target.id}: {ast.unparse(field.annotation)}{default}`"
            text = " ".join(str(following.value.value).split())
            yield f"- {shown}: {_inline(text)}"


def _parts(kind: type[Any]) -> list[type[Any]]:
    """The class, and the base classes of its own package that nobody is given to use.

    In the order in which they are read: what all stand on, the parts, the whole.
    """
    package = kind.__module__.rpartition(".")[0]
    bases = [
        base
        for base in kind.__mro__[1:]
        if base.__module__.rpartition(".")[0] == package and base.__name__ not in interstore.__all__
    ]
    return [*bases[-1:], *bases[:-1], kind]


def _members(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Public methods and properties."""
    for owner in _parts(kind):
        for name, value in vars(owner).items():
            # Without a docstring, the contract or the base class documents it.
            plain = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            is_method = inspect.isfunction(plain) or isinstance(value, property)
            if not name.startswith("_") and is_method and getattr(plain, "__doc__", None):
                yield name, plain
