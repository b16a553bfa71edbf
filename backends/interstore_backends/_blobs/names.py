r"""Keys as names of objects, for stores that cannot hold every key as it is.

Each kind of names keeps the order: of two keys, the one with the smaller code points has the name
with the smaller ones, so that a listing needs no sorting. And what begins alike, is named alike,
so that a prefix of a key is one of its name.

`PLAIN` is for stores that hold every key as it is, in one flat order (AWS).

`CAREFUL` is for those that hold nearly every key (Azure). A character that is trouble is written as
the plain one before it in the order, which is then followed by a digit: ``\`` is ``[1``, and ``[``
itself ``[0``; ``?`` is ``>1``, ``#`` is ``"1``, ``%`` is ``$1``, ``~`` is ``}1``; control
characters, a space and ``!`` are ``!`` and two hexadecimal digits; what lies beyond U+FFFF is
U+FFFD, ``3`` and six of them, so that the order by UTF-16 is that of the keys as well.

`FLAT` is for stores that keep objects in folders underneath (SeaweedFS, MinIO), and so have neither
``a`` beside ``a/b`` nor ``a//b``, nor list in the order of the keys. There ``/`` is ``.2F``, and
so is all that comes before it in the order: ``.`` is ``.2E``, ``-`` is ``.2D``. A name of more than
60 characters goes on in a folder, whose name is so many and ``~``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["AFTER_ALL", "CAREFUL", "FLAT", "PLAIN", "Names"]

AFTER_ALL: Final = "\U0010ffff"
"""Behind a name, this comes after all names that begin with it."""

_PART: Final = 60
"""Characters, of up to four bytes: 255 bytes is what a file's name may have."""

_CUT: Final = "~/"
_BEYOND: Final = re.compile("[\U00010000-\U0010ffff]")
_BEYOND_NAME: Final = re.compile("\ufffd3(0[0-9A-F]{5}|10[0-9A-F]{4})")


class Names:
    """One way to name keys.

    Args:
        table: what is written otherwise, by code point.
        parted: whether long names go on in folders.
        utf16: whether the store orders names by UTF-16: what lies beyond U+FFFF is escaped.
    """

    def __init__(
        self, table: Mapping[int, str], *, parted: bool = False, utf16: bool = False
    ) -> None:
        self._table = table
        self._meant = {token: chr(code) for code, token in table.items()}
        self._token = re.compile("|".join(map(re.escape, self._meant)) or r"(?!)")
        self._parted = parted
        self._utf16 = utf16

    def name(self, key: str) -> str:
        """The name of a key, or the beginning of the names of all keys that begin with `key`."""
        name = key.translate(self._table) if self._table else key
        if self._utf16 and not name.isascii():
            name = _BEYOND.sub(lambda match: f"\ufffd3{ord(match[0]):06X}", name)
        if not self._parted or len(name) <= _PART:
            return name
        # By characters, so that names part at one place whatever they hold: the order stays.
        return _CUT.join(name[at : at + _PART] for at in range(0, len(name), _PART))

    def key(self, name: str) -> str | None:
        """The key of a name; ``None`` if it has none: others put the object there."""
        whole = name.replace(_CUT, "") if self._parted else name
        if self._utf16 and "\ufffd3" in whole:
            whole = _BEYOND_NAME.sub(lambda match: chr(int(match[1], 16)), whole)
        key = self._token.sub(lambda match: self._meant[match[0]], whole)
        return key if self.name(key) == name else None


_DIGRAPHS: Final = ("[\\", "}~", "\ufffd\ufffe\uffff")
_MORE_DIGRAPHS: Final = (">?", '"#', "$%")


def _table(last: str, lead: str, *digraphs: str) -> Mapping[int, str]:
    """All up to `last` is written as `lead` and two hexadecimal digits."""
    table = {code: f"{lead}{code:02X}" for code in range(ord(last) + 1)}
    for members in digraphs:
        table |= {ord(member): f"{members[0]}{index}" for index, member in enumerate(members)}
    return table | {code: f"}}2{code:02X}" for code in range(0x7F, 0xA0)}


PLAIN: Final = Names({})
CAREFUL: Final = Names(_table("!", "!", *_DIGRAPHS, *_MORE_DIGRAPHS), utf16=True)
FLAT: Final = Names(_table("/", ".", *_DIGRAPHS), parted=True)
