"""Every divergence ever found, by name: what an engine, or a prototype of one, had wrong."""

from __future__ import annotations

from typing import Any

from interstore.testing import truth
from tests.differential.case import Case

__all__ = ["CASES", "TABLES"]

# fmt: off

MAX = 2**53 - 1
_FAR = (
    -4.64031489464657e-246, -6.126556914513662e-260, -8.57789382212775e204, -1.942721878376759e264,
    1.833834863196077e212, 6.126556914513662e-220,
)


def _deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


_LOGIC = (
    Case(
        "negation is two-valued",
        {"a": {}, "b": {"n": None}, "c": {"n": "5"}, "d": {"n": 5}, "e": {"n": {}},
         "f": {"n": [5]}},
        finds=[
            ({"n": {"$ne": 5}}, "a b c e f"),
            ({"n": {"$not": {"$gt": 1}}}, "a b c e f"),
            ({"n.x": {"$not": {"$gt": 1}}}, "a b c d e f"),
            ({"n": {"$not": {"$size": 1}}}, "a b c d e"),
            ({"n": {"$not": {"$regex": "5"}}}, "a b d e f"),
            ({"n": {"$not": {"$has": 5}}}, "a b c d e"),
            ({"n": {"$nin": [5, "5"]}}, "a b e f"),
            ({"$nor": [{"n": {"$gt": 1}}, {"n": {"$contains": "5"}}]}, "a b e f"),
            ({"$not": {"$and": [{"n": {"$gt": 1}}, {"n.x": 1}]}}, "a b c d e f"),
            ({"n": {"$not": {"$not": {"$lt": 9}}}}, "d"),
        ],
    ),
    Case(
        "nothing at all, and everything",
        {"a": {}, "b": {"n": 1}},
        finds=[
            ({}, "a b"),
            ({"$and": []}, "a b"),
            ({"$or": []}, ""),
            ({"$nor": []}, "a b"),
            ({"$not": {}}, ""),
            ({"n": {"$in": []}}, ""),
            ({"n": {"$nin": []}}, "a b"),
            ({"n": {"$all": []}}, ""),
            ({"$or": [{"$and": []}, {"n": 1}]}, "a b"),
            ({"$and": [{"$or": []}, {"n": 1}]}, ""),
        ],
    ),
    Case(
        "null is what is missing, too",
        {"a": {}, "b": {"o": None}, "c": {"o": {}}, "d": {"o": {"p": None}}, "e": {"o": {"p": 1}},
         "f": {"o": [{"p": 1}]}, "g": {"o": "p"}},
        finds=[
            ({"o.p": None}, "a b c d f g"),
            ({"o.p": {"$ne": None}}, "e"),
            ({"o.p": {"$in": [None, 1]}}, "a b c d e f g"),
            ({"o.p": {"$in": [None]}}, "a b c d f g"),
            ({"o.p": {"$exists": True}}, "d e"),
            ({"o.p": {"$exists": False}}, "a b c f g"),
            ({"o.p": {"$type": "null"}}, "d"),
            ({"o": None}, "a b"),
            ({"o": {"$nin": [None, "p"]}}, "c d e f"),
        ],
    ),
    Case(
        "each class by itself",
        {"a": {"n": 1}, "b": {"n": 1.5}, "c": {"n": True}, "d": {"n": "1"}, "e": {"n": [1]},
         "f": {"n": {"1": 1}}, "g": {"n": None}, "h": {}, "i": {"n": False}, "j": {"n": 0},
         "k": {"n": ""}},
        finds=[
            ({"n": 1}, "a"),
            ({"n": True}, "c"),
            ({"n": "1"}, "d"),
            ({"n": False}, "i"),
            ({"n": 0}, "j"),
            ({"n": ""}, "k"),
            ({"n": {"$in": [1, False, "1"]}}, "a d i"),
            ({"n": {"$in": [True, 0, ""]}}, "c j k"),
            ({"n": {"$gt": 0}}, "a b"),
            ({"n": {"$lt": 2}}, "a b j"),
            ({"n": {"$gte": ""}}, "d k"),
            ({"n": {"$lt": "9"}}, "d k"),
            ({"n": {"$gt": 0, "$lt": "9"}}, ""),
            ({"n": {"$type": "number"}}, "a b j"),
            ({"n": {"$type": "bool"}}, "c i"),
            ({"n": {"$type": ["array", "string"]}}, "d e k"),
            ({"n": {"$type": ["object", "null"]}}, "f g"),
            ({"n": {"$type": ["array", "number", "object"]}}, "a b e f j"),
        ],
        sorts=[("n", "e f g h j a b k d i c"), ("-n", "c i d k b a j h g f e")],
    ),
    Case(
        "many values of every class in one list",
        {"a": {"n": 1}, "b": {"n": True}, "c": {"n": "1"}, "d": {"n": None}, "e": {}, "f": {"n": 7},
         "g": {"n": 0.5}, "h": {"n": [1]}, "i": {"n": 1e300}},
        finds=[
            ({"n": {"$in": [*range(1, 7), *map(str, range(20)), False]}}, "a c"),
            ({"n": {"$in": [*range(2, 40), True, 0.5]}}, "b f g"),
            ({"n": {"$in": [*range(2, 40), None, 1e300]}}, "d e f i"),
            ({"n": {"$nin": [*range(40), None, True]}}, "c g h i"),
            ({"id": {"$in": [f"{letter}" for letter in "abcxyzuvwrstopqlmn"]}}, "a b c"),
        ],
    ),
)

_ARRAYS = (
    Case(
        "arrays are not entered",
        {"a": {"x": [5, "5"]}, "b": {"x": 5}, "c": {"x": [{"y": 5}]}, "d": {"x": {"y": 5}},
         "e": {"x": {"y": [5]}}, "f": {"x": [[5]]}, "g": {"x": ["abc"]}, "h": {"x": [True, None]}},
        finds=[
            ({"x": 5}, "b"),
            ({"x": {"$gt": 4}}, "b"),
            ({"x": {"$gt": 4, "$lt": 6}}, "b"),
            ({"x": {"$in": [5, "5"]}}, "b"),
            ({"x": {"$in": [5, None]}}, "b"),
            ({"x": None}, ""),
            ({"x": True}, ""),
            ({"x.y": 5}, "d"),
            ({"x.y": {"$exists": True}}, "d e"),
            ({"x.y": None}, "a b c f g h"),
            ({"x.y": {"$in": [5, None]}}, "a b c d f g h"),
            ({"x.y": {"$has": 5}}, "e"),
            ({"x.y": {"$size": 1}}, "e"),
            ({"x.y": {"$type": "number"}}, "d"),
            ({"x.y": {"$type": ["array", "number"]}}, "d e"),
            ({"x.y": {"$elemMatch": {"$gt": 1}}}, "e"),
            ({"x.y": [5]}, "e"),
            ({"x": {"$type": "number"}}, "b"),
            ({"x": {"$type": "string"}}, ""),
            ({"x": {"$has": 5}}, "a"),
            ({"x": {"$ne": 5}}, "a c d e f g h"),
            ({"x": {"$startsWith": "a"}}, ""),
            ({"x": {"$endsWith": "c"}}, ""),
            ({"x": {"$contains": "b"}}, ""),
            ({"x": {"$regex": "b"}}, ""),
            ({"x": {"$contains": ""}}, ""),
        ],
    ),
    Case(
        "nor are arrays of objects on the way",
        {"a": {"x": [{"y": [1]}, {"y": "s"}]}, "b": {"x": {"y": [1]}},
         "c": {"x": [{"y": {"z": 1}}]}, "d": {"x": {"y": {"z": 1}}}, "e": {"x": {"y": [{"z": 1}]}}},
        finds=[
            ({"x.y": {"$has": 1}}, "b"),
            ({"x.y": {"$size": 1}}, "b e"),
            ({"x.y": {"$elemMatch": {"$eq": 1}}}, "b"),
            ({"x.y": {"$elemMatch": {"z": 1}}}, "e"),
            ({"x.y": {"$type": "array"}}, "b e"),
            ({"x.y": {"$type": "string"}}, ""),
            ({"x.y": {"$type": "null"}}, ""),
            ({"x.y": {"$exists": True}}, "b d e"),
            ({"x.y": [1]}, "b"),
            ({"x.y.z": 1}, "d"),
            ({"x.y.z": {"$gt": 0}}, "d"),
            ({"x.y.z": {"$exists": True}}, "d"),
            ({"x.y.z": None}, "a b c e"),
            ({"x.y.z": {"$regex": "s"}}, ""),
        ],
    ),
    Case(
        "an index needs an array",
        {"a": {"a": 5}, "b": {"a": [5]}, "c": {"a": {"0": 5}}, "d": {"a": [[[5]]]},
         "e": {"a": "5"}, "f": {"a": [{"0": 5}]}},
        finds=[
            ({"a[0]": 5}, "b"),
            ({("a", "0"): 5}, "c"),
            ({"a[0][0][0]": 5}, "d"),
            ({"a[0][0][0]": {"$exists": False}}, "a b c e f"),
            ({"a[0]": {"$exists": True}}, "b d f"),
            ({"a[0]": {"$type": "string"}}, ""),
            ({("a", 0, "0"): 5}, "f"),
            ({("a", 2**31 - 1): {"$exists": True}}, ""),
            ({("a", 2**31 - 1): None}, "a b c d e f"),
        ],
        sorts=[("a[0]", "a c d e f b"), ([(("a", "0"), 1)], "a b d e f c")],
    ),
    Case(
        "null behind an index",
        {"a": {"b": [1, {"b": 2}]}, "b": {"b": [{"b": None}]}, "c": {"b": [{}]}, "d": {},
         "e": {"b": {"1": 5}}, "f": {"b": [1, None]}, "g": {"b": [[3], [{"b": 2}]]}},
        finds=[
            ({"b[0].b": None}, "a b c d e f g"),
            ({"b[1].b": None}, "b c d e f g"),
            ({"b[1].b": {"$in": [2, None]}}, "a b c d e f g"),
            ({"b[1]": None}, "b c d e f"),
            ({"b[1]": {"$in": [None, 7]}}, "b c d e f"),
            ({"b[1]": {"$ne": None}}, "a g"),
            ({"b[1].b": 2}, "a"),
            ({"b[0].b": {"$exists": True}}, "b"),
        ],
    ),
    Case(
        "a long path of indexes",
        {"a": {"a": _deep(5, 30)}, "b": {"a": [[5]]}, "c": {"a": _deep(5, 29)}},
        finds=[({("a", *[0] * 30): 5}, "a"), ({("a", *[0] * 30): None}, "b c")],
        sorts=[([(("a", *[0] * 3), 1)], "a b c")],
    ),
    Case(
        "an array is not its element",
        {"a": {"x": [1, 2]}, "b": {"x": [[1, 2]]}, "c": {"x": [[1, 2], 3]}, "d": {"x": []},
         "e": {"x": [[]]}, "f": {"x": [1]}, "g": {"x": [1, 2, 3]}, "h": {"x": [2, 1]},
         "i": {"x": [True, 2]}, "j": {"x": ["1", 2]}, "k": {"x": [None]}, "l": {"x": [{}, 2]}},
        finds=[
            ({"x": [1, 2]}, "a"),
            ({"x": []}, "d"),
            ({"x": [None]}, "k"),
            ({"x": [1, None]}, ""),
            ({"x": [True, 2]}, "i"),
            ({"x": ["1", 2]}, "j"),
            ({"x": {"$ne": [1, 2]}}, "b c d e f g h i j k l"),
        ],
    ),
    Case(
        "containment is not equality",
        {"a": {"a": 5}, "b": {"a": [5]}, "c": {"a": [[5]]}, "d": {"a": [5, 6]},
         "e": {"a": {"b": 5, "c": 6}}, "f": {"a": [{"b": 5, "c": 6}]}},
        finds=[
            ({"a": 5}, "a"),
            ({"a": {"$has": 5}}, "b d"),
            ({"a": [5]}, "b"),
            ({"a": {"$elemMatch": {"$eq": 5}}}, "b d"),
            ({"a": {"$elemMatch": {"$has": 5}}}, "c"),
            ({"a": {"$all": [5, 6]}}, "d"),
            ({"a.b": 5}, "e"),
            ({"a": {"$elemMatch": {"b": 5}}}, "f"),
        ],
    ),
    Case(
        "an explicit null in an array",
        {"a": {"x": [None]}, "b": {"x": []}, "c": {"x": [[]]}, "d": {"x": None}, "e": {"x": [{}]},
         "f": {}, "g": {"x": [1, None]}},
        finds=[
            ({"x": {"$has": None}}, "a g"),
            ({"x": {"$all": [None, 1]}}, "g"),
            ({"x": {"$elemMatch": {"$eq": None}}}, "a g"),
            ({"x": {"$elemMatch": {"$ne": None}}}, "c e g"),
            ({"x": {"$elemMatch": {"$type": "null"}}}, "a g"),
            ({"x[0]": None}, "a b d f"),
        ],
    ),
    Case(
        "the size of what is no array",
        {"a": {"x": []}, "b": {"x": {}}, "c": {"x": ""}, "d": {}, "e": {"x": None},
         "f": {"x": [[]]}, "g": {"x": 0}, "h": {"x": {"a": 1}}},
        finds=[({"x": {"$size": 0}}, "a"), ({"x": {"$size": 1}}, "f")],
    ),
)

_ELEMENTS = (
    Case(
        "nothing is evaluated too early",
        {"a": {"x": ["text", 5, None, True, [5], {"y": [1]}]}, "b": {"x": "text"}, "c": {"x": 1}},
        finds=[
            ({"x": {"$elemMatch": {"$size": 1}}}, "a"),
            ({"x": {"$elemMatch": {"$has": 5}}}, "a"),
            ({"x": {"$elemMatch": {"$elemMatch": {"$eq": 5}}}}, "a"),
            ({"x": {"$elemMatch": {("y", 0): 1}}}, "a"),
            ({"x": {"$elemMatch": {(0,): 5}}}, "a"),
            ({"x": {"$elemMatch": {"y": {"$size": 1}}}}, "a"),
            ({"x": {"$elemMatch": {"$gt": 4}}}, "a"),
            ({"x": {"$elemMatch": {"$startsWith": "te"}}}, "a"),
            ({"x": {"$elemMatch": {"$eq": True}}}, "a"),
            ({"x": {"$size": 6}}, "a"),
            ({"x": {"$elemMatch": {"$type": "array", "$size": 1}}}, "a"),
            ({"x": {"$elemMatch": {"$type": "array", "$has": 5}}}, "a"),
            ({"x": {"$elemMatch": {"$type": "array", "$elemMatch": {"$gt": 4}}}}, "a"),
            ({"x": {"$elemMatch": {"$type": "string", "$contains": "ex"}}}, "a"),
        ],
    ),
    Case(
        "operators that come twice for an element",
        {"a": {"x": ["abc"]}, "b": {"x": ["ab", "bc"]}, "c": {"x": [[1, 2, 3]]},
         "d": {"x": [[1], 2]}},
        finds=[
            ({"x": {"$elemMatch": {"$startsWith": "a", "$endsWith": "c", "$contains": "b",
                                   "$regex": "^a.c$"}}}, "a"),
            ({"x": {"$elemMatch": {"$startsWith": "a", "$gt": "a", "$lt": "b"}}}, "a b"),
            ({"x": {"$elemMatch": {"$all": [1, 2, 3], "$has": 1}}}, "c"),
            ({"x": {"$elemMatch": {"$all": list(range(200))}}}, ""),
            ({"x": {"$elemMatch": {"$ne": "ab", "$nin": ["bc", 7]}}}, "a c d"),
            ({"x": {"$elemMatch": {"$type": "string", "$contains": ""}}}, "a b"),
            ({"x": {"$elemMatch": {"$endsWith": "b", "$startsWith": "b"}}}, ""),
            ({"x": {"$elemMatch": {"$contains": "a", "$endsWith": "c"}}}, "a"),
            ({"x": {"$elemMatch": {"$endsWith": "c", "$contains": "a"}}}, "a"),
        ],
    ),
    Case(
        "conditions on one element, not on several",
        {"a": {"x": [1, 9]}, "b": {"x": [5]}, "c": {"x": [{"p": 1, "q": 9}]},
         "d": {"x": [{"p": 1}, {"q": 9}]}},
        finds=[
            ({"x": {"$elemMatch": {"$gt": 2, "$lt": 8}}}, "b"),
            ({"x": {"$elemMatch": {"p": 1, "q": 9}}}, "c"),
            ({"x": {"$elemMatch": {"p": 1, "q": None}}}, "d"),
            ({"x": {"$elemMatch": {"$nor": [{"p": 1}]}}}, "d"),
            ({"x": {"$elemMatch": {"$or": [{"q": 9}, {"p": 2}]}}}, "c d"),
        ],
    ),
    Case(
        "arrays among the elements",
        {"a": {"x": [[7]]}, "b": {"x": [{"0": 7}]}, "c": {"x": [7]}, "d": {"x": [[{"y": 1}]]},
         "e": {"x": []}, "f": {"x": ["y"]}},
        finds=[
            ({"x": {"$elemMatch": {(0,): 7}}}, "a"),
            ({"x": {"$elemMatch": {("0",): 7}}}, "b"),
            ({"x": {"$elemMatch": {"y": 1}}}, ""),
            ({"x": {"$elemMatch": {"y": None}}}, "a b d"),
            ({"x": {"$elemMatch": {}}}, "a b d"),
            ({"x": {"$elemMatch": {"$nor": [{"y": 1}]}}}, "a b d"),
            ({"x": {"$elemMatch": {"$elemMatch": {"y": 1}}}}, "d"),
        ],
    ),
    Case(
        "an object is not an array of its values",
        {"a": {"x": {"p": 1}}, "b": {"x": [1]}, "c": {"x": {"p": {"y": 1}}}, "d": {"x": [{"y": 1}]},
         "e": {"x": 1}},
        finds=[
            ({"x": {"$has": 1}}, "b"),
            ({"x": {"$elemMatch": {"$eq": 1}}}, "b"),
            ({"x": {"$elemMatch": {"y": 1}}}, "d"),
            ({"x": {"$size": 1}}, "b d"),
        ],
    ),
)

_TEXTS = (
    Case(
        "text is ordered by code point",
        {word: {"s": word} for word in ("b", "A", "_", "a", "ab", "B", "z", "é")},
        finds=[
            ({"s": {"$gt": "B"}}, "_ a ab b z é"),
            ({"s": {"$lt": "_"}}, "A B"),
            ({"s": {"$gte": "a", "$lte": "b"}}, "a ab b"),
            ({"s": {"$startsWith": "a"}}, "a ab"),
            ({"id": {"$gt": "B", "$lt": "b"}}, "_ a ab"),
            ({"id": {"$startsWith": "a"}}, "a ab"),
            ({"id": {"$in": ["a", "B"]}}, "B a"),
            ({"s": {"$in": ["a", "B"]}}, "B a"),
            ({}, "A B _ a ab b z é"),
        ],
        sorts=[
            ("s", "A B _ a ab b z é"),
            ("-s", "é z b ab a _ B A"),
            ("-id", "é z b ab a _ B A"),
        ],
    ),
    Case(
        "beyond the basic plane by code point, not by UTF-16",
        {"a": {"s": "\U00010000"}, "b": {"s": "\uffff"}, "c": {"s": "\ue000"},
         "d": {"s": "\U0010ffff"}, "e": {"s": "\ud7ff"}},
        finds=[
            ({"s": {"$gt": "\uffff"}}, "a d"),
            ({"s": {"$lt": "\ue000"}}, "e"),
        ],
        sorts=[("s", "e c b a d"), ("-s", "d a b c e")],
    ),
    Case(
        "prefixes up to the last character",
        {"a": {"s": "a\ud7ff!"}, "b": {"s": "a\ue000"}, "c": {"s": "a\U0010ffff!"}, "d": {"s": "b"},
         "e": {"s": "\U0010ffff\U0010ffff"}, "f": {"s": "a"}, "g": {"s": ["a"]}, "h": {"s": False},
         "i": {"s": "\U0010ffff"}, "j": {"s": 5}, "k": {}},
        finds=[
            ({"s": {"$startsWith": "a\ud7ff"}}, "a"),
            ({"s": {"$startsWith": "a\U0010ffff"}}, "c"),
            ({"s": {"$startsWith": "\U0010ffff"}}, "e i"),
            ({"s": {"$startsWith": "\U0010ffff\U0010ffff"}}, "e"),
            ({"s": {"$startsWith": "a"}}, "a b c f"),
            ({"s": {"$startsWith": ""}}, "a b c d e f i"),
            ({"s": {"$endsWith": ""}}, "a b c d e f i"),
            ({"s": {"$contains": ""}}, "a b c d e f i"),
            ({"s": {"$regex": ""}}, "a b c d e f i"),
            ({"s": {"$endsWith": "!"}}, "a c"),
            ({"s": {"$not": {"$startsWith": "\U0010ffff"}}}, "a b c d f g h j k"),
        ],
    ),
    Case(
        "nothing is normalised, and nothing folded",
        {"a": {"s": "é"}, "b": {"s": "e\u0301"}, "c": {"s": "E"}, "d": {"s": "e"}, "e": {"s": "ß"},
         "f": {"s": "ss"}, "g": {"s": "e "}, "h": {"s": ""}},
        finds=[
            ({"s": "é"}, "a"),
            ({"s": "e"}, "d"),
            ({"s": "ss"}, "f"),
            ({"s": ""}, "h"),
            ({"s": {"$startsWith": "e"}}, "b d g"),
            ({"s": {"$endsWith": "\u0301"}}, "b"),
            ({"s": {"$contains": "s"}}, "f"),
            ({"s": {"$in": ["E", "é"]}}, "a c"),
            ({"s": {"$regex": ["e", "i"]}}, "b c d g"),
            ({"s": {"$regex": ["É", "i"]}}, ""),
        ],
    ),
    Case(
        "texts are no patterns",
        {"a": {"x": "_(*UTF8)a.b[\\E\\Q/ #{2}$^_"}, "b": {"x": "_"}, "c": {"x": "a.b"},
         "d": {"x": "axb"}, "e": {"x": "%"}, "f": {"x": "x%"}},
        finds=[
            ({"x": {"$contains": "a.b"}}, "a c"),
            ({"x": {"$contains": "(*UTF8)"}}, "a"),
            ({"x": {"$contains": "\\E\\Q/ #{2}$^"}}, "a"),
            ({"x": {"$endsWith": "^_"}}, "a"),
            ({"x": {"$endsWith": "a.b"}}, "c"),
            ({"x": {"$startsWith": "a."}}, "c"),
            ({"x": {"$contains": "_"}}, "a b"),
            ({"x": {"$contains": "%"}}, "e f"),
            ({"x": {"$startsWith": "%"}}, "e"),
            ({"x": {"$startsWith": "_"}}, "a b"),
        ],
    ),
    Case(
        "texts are no expressions",
        {"a": {"s": "$s"}, "b": {"s": "$$ROOT"}, "c": {"s": "$"}, "d": {"s": "a"},
         "e": {"s": "$nope"}, "f": {"s": ["$s"]}, "g": {"s": "$$"}},
        finds=[
            ({"s": "$s"}, "a"),
            ({"s": {"$in": ["$", "$$ROOT"]}}, "b c"),
            ({"s": {"$has": "$s"}}, "f"),
            ({"s": ["$s"]}, "f"),
            ({"s": {"$gte": "$$"}}, "a b d e g"),
        ],
        sorts=[("s", "f c g b e a d"), ("-s", "d a e b g c f")],
        updates=[
            ("a", {"s": "$$NOW"}, {"s": "$$NOW"}),
            ("c", {"$push": {"l": "$"}}, {"s": "$", "l": ["$"]}),
        ],
    ),
    Case(
        "the id is a text, too",
        {"a": {}, "ab": {}, "b\u00e9": {}, "B%": {}, "ba\u0001"[:2]: {}},
        finds=[
            ({"id": {"$contains": "b"}}, "ab ba bé"),
            ({"id": {"$endsWith": "b"}}, "ab"),
            ({"id": {"$startsWith": ""}}, "B% a ab ba bé"),
            ({"id": {"$regex": "^b.$"}}, "ba bé"),
            ({"id": {"$not": {"$regex": "^b.$"}}}, "B% a ab"),
            ({"id": {"$contains": "%"}}, "B%"),
            ({"@version": {"$gt": 1.5, "$lt": 4}}, "ab bé"),
            ({"@version": {"$in": [1, 4]}}, "B% a"),
            ({"@created_at": "2026-01-31T12:00:00.000000Z"}, "B% a ab ba bé"),
        ],
        sorts=[("-@version", "ba B% bé ab a"), (["@created_at", "-@version"], "ba B% bé ab a")],
    ),
)

_PATTERNS = (
    Case(
        "the end is the end",
        {"a": {"x": "ab"}, "b": {"x": "ab\n"}, "c": {"x": "ab\nb"}},
        finds=[
            ({"x": {"$regex": "b$"}}, "a c"),
            ({"x": {"$regex": "ab$"}}, "a"),
            ({"x": {"$regex": "ab\\Z"}}, "a"),
            ({"x": {"$endsWith": "b"}}, "a c"),
            ({"x": {"$endsWith": "\n"}}, "b"),
            ({"x": {"$regex": "^b"}}, ""),
            ({"x": {"$regex": "^ab.$"}}, ""),
            ({"x": {"$regex": "^ab\\s$"}}, "b"),
        ],
    ),
    Case(
        "classes of characters are those of ASCII",
        {"a": {"x": "é"}, "b": {"x": "_"}, "c": {"x": "٣"}, "d": {"x": "3"}, "e": {"x": "\u00a0"},
         "f": {"x": " "}, "g": {"x": "\U0001f600"}, "h": {"x": "K"}, "i": {"x": "\u212a"},
         "j": {"x": "\n"}},
        finds=[
            ({"x": {"$regex": "\\w"}}, "b d h"),
            ({"x": {"$regex": "\\d"}}, "d"),
            ({"x": {"$regex": "\\s"}}, "f j"),
            ({"x": {"$regex": "\\W"}}, "a c e f g i j"),
            ({"x": {"$regex": "^.$"}}, "a b c d e f g h i"),
            ({"x": {"$regex": "^[^a]$"}}, "a b c d e f g h i j"),
            ({"x": {"$regex": ["k", "i"]}}, "h"),
            ({"x": {"$regex": ["^[j-l]$", "i"]}}, "h"),
            ({"x": {"$regex": "^[\u0080-\uffff]$"}}, "a c e i"),
        ],
    ),
    Case(
        "a pattern of what is no text",
        {"a": {}, "b": {"n": None}, "c": {"n": 5}, "d": {"n": ["5"]}, "e": {"n": "x5"},
         "f": {"n": True}, "g": {"n": {"n": "5"}}},
        finds=[
            ({"n": {"$regex": ""}}, "e"),
            ({"n": {"$regex": "5$"}}, "e"),
            ({"n": {"$not": {"$regex": "5$"}}}, "a b c d f g"),
            ({"n": {"$regex": "tru|nul|\\{|\\["}}, ""),
            ({"n": {"$contains": "5"}}, "e"),
            ({"n": {"$endsWith": "5"}}, "e"),
            ({"n": {"$endsWith": ""}}, "e"),
        ],
    ),
    Case(
        "hexadecimal digits behind a character",
        {"a": {"x": "-1"}, "b": {"x": "%20"}, "c": {"x": "/ff"}, "d": {"x": "-"}},
        finds=[
            ({"x": {"$regex": "-1"}}, "a"),
            ({"x": {"$regex": "%20"}}, "b"),
            ({"x": {"$regex": "/ff"}}, "c"),
            ({"x": {"$regex": "[-/]f"}}, "c"),
            ({"x": {"$regex": "^-$"}}, "d"),
        ],
    ),
)

_NUMBERS = (
    Case(
        "numbers at their ends",
        {"a": {"n": 5e-324}, "b": {"n": -1.7976931348623157e308},
         "c": {"n": 1.7976931348623157e308}, "d": {"n": 0}, "e": {"n": MAX}, "f": {"n": -MAX},
         "g": {"n": 1e16}, "h": {"n": 0.1}, "i": {"n": 1e22}, "j": {"n": 1e300}, "k": {"n": ""},
         "l": {"n": None}, "m": {"n": False}, "o": {"n": []}},
        finds=[
            ({"n": 5e-324}, "a"),
            ({"n": {"$gt": 0, "$lt": 0.1}}, "a"),
            ({"n": {"$gte": -1.7976931348623157e308}}, "a b c d e f g h i j"),
            ({"n": {"$lte": 1.7976931348623157e308}}, "a b c d e f g h i j"),
            ({"n": {"$gt": 1e300}}, "c"),
            ({"n": {"$lt": -1e300}}, "b"),
            ({"n": MAX}, "e"),
            ({"n": {"$gt": MAX - 1, "$lt": 1e16}}, "e"),
            ({"n": 1e16}, "g"),
            ({"n": {"$in": [1e22, 0.1, 1e300]}}, "h i j"),
            ({"n": {"$has": 0}}, ""),
        ],
        sorts=[("n", "l o b f d a h e g i j c k m"), ("-n", "m k c j i g e h a d f b o l")],
    ),
    Case(
        "integral floats are integers",
        {"a": {"n": 1.0, "l": [2.0, {"m": -0.0}]}, "b": {"n": 1}, "c": {"n": -0.0}, "d": {"n": 1.5},
         "e": {"n": 9007199254740991.0}},
        finds=[
            ({"n": 1}, "a b"),
            ({"n": 1.0}, "a b"),
            ({"n": -0.0}, "c"),
            ({"l[0]": 2}, "a"),
            ({"l": {"$has": 2.0}}, "a"),
            ({"n": {"$in": [0.0, 1.5]}}, "c d"),
            ({"n": MAX}, "e"),
        ],
        updates=[
            ("d", {"$inc": {"n": 0.5}}, {"n": 2}),
            ("d", {"$inc": {"n": -2}}, {"n": 0}),
            ("d", {"$set": {"n": 3.0}}, {"n": 3}),
            ("d", {"$push": {"l": 4.0}}, {"n": 3, "l": [4]}),
        ],
    ),
    Case(
        "floats are kept to the last bit",
        {"a": {"n": 0.1}, "b": {"n": [0.30000000000000004, 2.675, 4.35, 1 / 3, 1e-7, 1e22, 5e-324]},
         "c": {"n": 1.7976931348623157e308}, "d": {"n": 1e16, "m": -1e300}},
        finds=[({"n": {"$has": 0.30000000000000004}}, "b"), ({"n": {"$has": 0.3}}, "")],
        updates=[
            ("a", {"$inc": {"n": 0.2}}, {"n": 0.30000000000000004}),
            ("b", {"$push": {"n": 0.1}},
             {"n": [0.30000000000000004, 2.675, 4.35, 1 / 3, 1e-7, 1e22, 5e-324, 0.1]}),
            ("c", {"$set": {"m": 1}}, {"n": 1.7976931348623157e308, "m": 1}),
            ("d", {"$unset": ["m"]}, {"n": 1e16}),
        ],
    ),
    Case(
        "numbers that libraries read as the one beside them",
        {f"d{place}": {"n": number} for place, number in enumerate(_FAR)},
        finds=[
            *[({"n": number}, f"d{place}") for place, number in enumerate(_FAR)],
            *[({"n": {"$gte": number, "$lte": number}}, f"d{place}")
              for place, number in enumerate(_FAR)],
            ({"n": {"$in": [*_FAR[:2], *range(30)]}}, "d0 d1"),
        ],
        sorts=[("n", "d3 d2 d0 d1 d5 d4")],
    ),
    Case(
        "intervals, open and closed",
        {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}, "d": {"n": "a"}, "e": {"n": "b"},
         "f": {"n": True}, "g": {"n": None}, "h": {"n": [2]}, "i": {"n": {}}},
        finds=[
            ({"n": {"$gt": 1, "$lt": 3}}, "b"),
            ({"n": {"$gte": 1, "$lte": 3}}, "a b c"),
            ({"n": {"$gt": 1}}, "b c"),
            ({"n": {"$lt": 3}}, "a b"),
            ({"n": {"$gte": 3, "$gt": 3}}, ""),
            ({"n": {"$gte": 3, "$gt": 1}}, "c"),
            ({"n": {"$lt": 3, "$lte": 1}}, "a"),
            ({"n": {"$gt": "a", "$gte": "b"}}, "e"),
            ({"$and": [{"n": {"$gte": 1}}, {"n": {"$gt": 1}}, {"n": {"$lt": 9}}]}, "b c"),
            ({"n": {"$gt": 3, "$lt": 1}}, ""),
            ({"n": {"$gt": "a"}}, "e"),
            ({"n": {"$gte": "a"}}, "d e"),
            ({"n": {"$lt": "b"}}, "d"),
            ({"n": {"$lte": "b"}}, "d e"),
            ({"n": {"$gt": "a", "$startsWith": "b"}}, "e"),
        ],
    ),
)

_SORTS = (
    Case(
        "containers sort as null, and nothing is lost",
        {"a": {"v": []}, "b": {"v": None}, "c": {"v": {}}, "d": {}, "e": {"v": -1e300},
         "f": {"v": False}, "g": {"v": [9]}, "h": {"v": {"x": "z"}}, "i": {"v": ""},
         "j": {"v": True}},
        finds=[({"v": {"$lt": 5}}, "e"), ({"v": {"$gt": -1.7e308}}, "e")],
        sorts=[
            ("v", "a b c d g h e i f j"),
            ("-v", "j f i e h g d c b a"),
            ("v.x", "a b c d e f g i j h"),
            ("-v.x", "h j i g f e d c b a"),
            ("v[0]", "a b c d e f h i j g"),
        ],
    ),
    Case(
        "ties end with the id, in the direction of the last key",
        {"a": {"n": 2, "m": 1}, "b": {"n": 1, "m": 1}, "c": {"n": 2, "m": 2}, "d": {"n": 1, "m": 2},
         "e": {"n": 1, "m": 1}, "f": {"m": 1}, "g": {"n": "1", "m": None}, "h": {"n": 2, "m": "1"}},
        sorts=[
            ("n", "f b d e a c h g"),
            ("-n", "g h c a e d b f"),
            (["n", "m"], "f b e d a c h g"),
            (["n", "-m"], "f d e b h c a g"),
            (["-n", "m"], "g a c h b e d f"),
            (["-n", "-m"], "g h c a d e b f"),
            (["m", "-id"], "g f e b a d c h"),
            (["-m", "id"], "h c d a b e f g"),
            (["n", "@version"], "f b d e a c h g"),
            (["m", "n", "-@version"], "g f e b a d c h"),
        ],
    ),
    Case(
        "ties end with the id, whichever document came first",
        {id: {"n": 1} for id in "lkjihgfedcba"},
        sorts=[("n", "a b c d e f g h i j k l"), ("-n", "l k j i h g f e d c b a")],
    ),
    Case(
        "one key of several is missing",
        {"a": {"x": {"y": 1}}, "b": {"x": [{"y": 2}]}, "c": {"x": {"y": None}}, "d": {"x": "y"},
         "e": {"x": {"y": [3]}}, "f": {"x": {"y": "s"}}},
        sorts=[
            ("x.y", "b c d e a f"),
            ("-x.y", "f a e d c b"),
            (["x.y", "-x"], "d e c b a f"),
        ],
    ),
    Case(
        "booleans sort last",
        {"a": {"v": True}, "b": {"v": False}, "c": {"v": "true"}, "d": {"v": 1}, "e": {"v": 0},
         "f": {"v": "false"}, "g": {"v": "\U0010ffff"}},
        sorts=[("v", "e d f c g b a"), ("-v", "a b g c f d e")],
    ),
)

_NAMES = (
    Case(
        "names that languages quote",
        {f"d{number}": {key: {key: number}} for number, key in enumerate(
            ["'", '"', "%", "%s", "%%", "$1", "\\", "a'b", "--", "\n"])},
        finds=[
            *[({(key, key): number}, f"d{number}") for number, key in enumerate(
                ["'", '"', "%", "%s", "%%", "$1", "\\", "a'b", "--", "\n"])],
            ({("%", "%"): {"$gte": 0}}, "d2"),
            ({('"', '"'): {"$exists": True}}, "d1"),
        ],
        updates=[
            ("d0", {"$inc": {("'", "'"): 1}}, {"'": {"'": 1}}),
            ("d1", {"$unset": [('"', '"')]}, {'"': {}}),
            ("d3", {"$push": {("%s", "l"): "%s"}}, {"%s": {"%s": 3, "l": ["%s"]}}),
            ("d6", {"$set": {("\\", "\\"): "\\"}}, {"\\": {"\\": "\\"}}),
        ],
    ),
    Case(
        "names that mean something in a path",
        {"a": {"a.b": 1}, "b": {"a": {"b": 1}}, "c": {"$gt": 1}, "d": {"0": {"0": 1}}, "e": {"": 1},
         "f": {"": {"": 1}}, "g": {"a%2Eb": 1}, "h": {"%": 1}, "i": {"%25": 1}, "j": {"%22": 1},
         "k": {"": [1]}, "l": {"a[0]": 1}, "m": {"%3d": 1, "%30": 2}},
        finds=[
            ({("a.b",): 1}, "a"),
            ({"a.b": 1}, "b"),
            ({("a", "b"): 1}, "b"),
            ({("$gt",): 1}, "c"),
            ({("0", "0"): 1}, "d"),
            ({("",): 1}, "e"),
            ({("", ""): 1}, "f"),
            ({("a%2Eb",): 1}, "g"),
            ({("%",): 1}, "h"),
            ({("%25",): 1}, "i"),
            ({("%22",): 1}, "j"),
            ({("", 0): 1}, "k"),
            ({("a[0]",): 1}, "l"),
            ({("%30",): 2}, "m"),
            ({("0",): {"$exists": True}}, "d"),
            ({("",): {"$exists": True}}, "e f k"),
        ],
        sorts=[([(("",), 1)], "a b c d f g h i j k l m e")],
        updates=[
            ("a", {"$inc": {("a.b",): 1}}, {"a.b": 2}),
            ("c", {"$set": {("$gt",): {"$x": {"": 1}}}}, {"$gt": {"$x": {"": 1}}}),
            ("e", {"$unset": [("",)]}, {}),
            ("d", {"$push": {("0", "1"): {"2": 3}}}, {"0": {"0": 1, "1": [{"2": 3}]}}),
            ("b", {"a": {"c.d": {"0": 5}}}, {"a": {"c.d": {"0": 5}}}),
            ("f", {"$push": {("l",): {"%": [{"x.y": 1}]}}},
             {"": {"": 1}, "l": [{"%": [{"x.y": 1}]}]}),
        ],
        afterwards=[
            ({("$gt", "$x", ""): 1}, "c"),
            ({("0", "1", 0, "2"): 3}, "d"),
            ({("a", "c.d", "0"): 5}, "b"),
            ({("l", 0, "%", 0, "x.y"): 1}, "f"),
        ],
    ),
    Case(
        "names that engines use themselves",
        {"a": {"_id": 1, "_interstore": {"version": 9}, "doc": 2, "version": 7}, "b": {"%5Fid": 1},
         "c": {"created_at": "x", "_etag": 1, "ttl": 1, "_ts": 0}, "d": {"o": {"_id": 1}},
         "e": {"%5Fetag": 1, "_rid": None, "_self": [], "_attachments": {}}},
        finds=[
            ({("_id",): 1}, "a"),
            ({("_interstore", "version"): 9}, "a"),
            ({("doc",): 2}, "a"),
            ({("version",): {"$exists": True}}, "a"),
            ({("%5Fid",): 1}, "b"),
            ({("_etag",): 1}, "c"),
            ({("created_at",): {"$startsWith": "x"}}, "c"),
            ({("ttl",): 1}, "c"),
            ({"o._id": 1}, "d"),
            ({("%5Fetag",): 1}, "e"),
            ({("_attachments",): {"$type": "object"}}, "e"),
        ],
        updates=[
            ("a", {"$set": {("_id",): 2}, "$inc": {("_interstore", "version"): 1}},
             {"_id": 2, "_interstore": {"version": 10}, "doc": 2, "version": 7}),
        ],
    ),
)

_UPDATES = (
    Case(
        "parents are made, or refused",
        {"a": {}, "b": {"x": 1}, "c": {"x": [{"y": 1}]}, "d": {"x": None}, "e": {"x": {"z": 1}}},
        updates=[
            ("a", {"$set": {"x.y.z": 1}}, {"x": {"y": {"z": 1}}}),
            ("b", {"$set": {"x.y": 1}}, None),
            ("b", {"$inc": {"x.y": 1}}, None),
            ("b", {"$push": {"x.y": 1}}, None),
            ("b", {"$unset": ["x.y"]}, {"x": 1}),
            ("c", {"$set": {"x.y": 1}}, None),
            ("c", {"$unset": ["x.y"]}, {"x": [{"y": 1}]}),
            ("c", {"$unset": [("x", "0")]}, {"x": [{"y": 1}]}),
            ("c", {"$set": {("x", "0"): 1}}, None),
            ("c", {"$set": {("x", "0", "y"): 1}}, None),
            ("d", {"$set": {"x.y": 1}}, None),
            ("d", {"$unset": ["x.y", "q.r"]}, {"x": None}),
            ("e", {"$set": {"x.y": 1}, "$unset": ["x.z"]}, {"x": {"y": 1}}),
            ("e", {"$inc": {"p.q": 2}, "$push": {"p.r": [1]}},
             {"x": {"y": 1}, "p": {"q": 2, "r": [[1]]}}),
        ],
    ),
    Case(
        "what is pushed is one element",
        {"a": {"l": [1]}, "b": {"l": {}}, "c": {"l": None}},
        updates=[
            ("a", {"$push": {"l": [2, 3]}}, {"l": [1, [2, 3]]}),
            ("a", {"$push": {"l": {"x": []}}}, {"l": [1, [2, 3], {"x": []}]}),
            ("a", {"$push": {"m": [4]}}, {"l": [1, [2, 3], {"x": []}], "m": [[4]]}),
            ("a", {"$push": {"m": None}}, {"l": [1, [2, 3], {"x": []}], "m": [[4], None]}),
            ("b", {"$push": {"l": 1}}, None),
            ("c", {"$push": {"l": 1}}, None),
        ],
    ),
    Case(
        "sums at the limits",
        {"a": {"n": MAX - 1}, "b": {"n": -MAX}, "c": {"n": 1e300}, "d": {"n": True},
         "e": {"n": None}, "f": {}, "g": {"n": 2**31 - 1}, "h": {"n": "1"}, "i": {"n": [1]}},
        updates=[
            ("a", {"$inc": {"n": 1}}, {"n": MAX}),
            ("a", {"$inc": {"n": 1}}, None),
            ("b", {"$inc": {"n": -1}}, None),
            ("c", {"$inc": {"n": 1}}, None),
            ("d", {"$inc": {"n": 1}}, None),
            ("e", {"$inc": {"n": 1}}, None),
            ("f", {"$inc": {"n": 1.5}}, {"n": 1.5}),
            ("g", {"$inc": {"n": 1}}, {"n": 2**31}),
            ("h", {"$inc": {"n": 1}}, None),
            ("i", {"$inc": {"n": 1}}, None),
        ],
    ),
    Case(
        "plain fields are replaced whole, and null is data",
        {"a": {"x": {"y": 1, "z": 2}, "l": [1]}, "b": {"x": 1},
         "c": {"x": "$y", "y": "$$ROOT", "$literal": {"$add": [1, 2]}, "l": ["$x", {"$x": "$y"}]}},
        finds=[({"x": "$y"}, "c"), ({"l": {"$has": "$x"}}, "c"), ({"y": {"$in": ["$$ROOT"]}}, "c")],
        updates=[
            ("a", {"x": {"q": 1}}, {"x": {"q": 1}, "l": [1]}),
            ("a", {"x": None, "l": []}, {"x": None, "l": []}),
            ("a", {"$set": {"x": {"$inc": 1, "a.b": None}}},
             {"x": {"$inc": 1, "a.b": None}, "l": []}),
            ("b", {"x": "$y", "y": "$$ROOT"}, {"x": "$y", "y": "$$ROOT"}),
            ("b", {"$set": {"x": {"$literal": 1}}}, {"x": {"$literal": 1}, "y": "$$ROOT"}),
        ],
    ),
)

CASES = (
    *_LOGIC, *_ARRAYS, *_ELEMENTS, *_TEXTS, *_PATTERNS, *_NUMBERS, *_SORTS, *_NAMES, *_UPDATES,
)
# fmt: on


def _table(name: str, documents: dict[str, Any], finds: list[tuple[Any, Any]]) -> Case:
    """A table of the truth, whose ids have spaces, as a case."""
    named = {name: f"t{place:02d}" for place, name in enumerate(documents)}
    return Case(
        name,
        {named[id]: fields for id, fields in documents.items()},
        finds=[(filter, " ".join(sorted(named[id] for id in ids))) for filter, ids in finds],
    )


TABLES = (
    _table(
        "every condition",
        truth.DOCUMENTS,
        [({"a": condition}, matching) for condition, matching in truth.CONDITIONS],
    ),
    _table(
        "whole filters", truth.DOCUMENTS, [each for each in truth.FILTERS if each[0] is not None]
    ),
    _table(
        "every condition on an element",
        {id: {"l": ["x", *fields.values()]} for id, fields in truth.DOCUMENTS.items()},
        [({"l[1]": condition}, matching) for condition, matching in truth.CONDITIONS],
    ),
    _table(
        "every condition below an object",
        {id: {"o": {"p": fields}} for id, fields in truth.DOCUMENTS.items()},
        [({"o.p.a": condition}, matching) for condition, matching in truth.CONDITIONS],
    ),
)
"""The tables of truth; that they hold on every engine is the kit's affair, they serve here to
find out what notices what."""
