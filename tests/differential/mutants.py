"""Each rule of the specification, by how to remove it from the code."""

from __future__ import annotations

from tests.differential.mutation import Mutant

__all__ = ["MUTANTS", "QUICK"]

_FILTERS = "interstore.filters."


def _core(rule: str, module: str, old: str, new: str, engine: str = "core") -> Mutant:
    return Mutant(rule, engine, f"interstore.{module}", old, new)


CORE = (
    _core(
        "what is missing equals null",
        "filters.evaluate",
        "return lambda value: value is None or value is MISSING",
        "return lambda value: value is None",
    ),
    _core(
        "true is not 1",
        "filters.evaluate",
        "return lambda value: value == operand and type(value) is not bool",
        "return lambda value: bool(value == operand)",
    ),
    _core(
        "a list of values holds true and 1 apart",
        "filters.evaluate",
        "return bool(values) and value in values",
        "return type(value) in by_type and any(value in each for each in by_type.values())",
    ),
    _core(
        "a boolean is no number in a range",
        "filters.evaluate",
        "return lambda value: type(value) in kinds and compare(value, end)",
        "return lambda value: isinstance(value, kinds) and compare(value, end)",
    ),
    _core(
        "an array equals one of its own length",
        "filters.evaluate",
        "        and len(value) == length\n        and all(test(item) for test, item in "
        "zip(tests, value, strict=True))",
        "        and all(test(item) for test, item in zip(tests, value))",
    ),
    _core(
        "arrays are candidates of $elemMatch",
        "filters.evaluate",
        "test(element) for element in value if type(element) is dict or type(element) is list",
        "test(element) for element in value if type(element) is dict",
    ),
    _core(
        "scalars are no candidates of $elemMatch",
        "filters.evaluate",
        "test(element) for element in value if type(element) is dict or type(element) is list",
        "test(element) for element in value",
    ),
    _core(
        "an explicit null exists",
        "filters.evaluate",
        "return lambda value: value is not MISSING",
        "return lambda value: value is not MISSING and value is not None",
    ),
    _core(
        "a key needs an object",
        "paths",
        "            value = value[step]\n        elif",
        "            value = value[step]\n        elif isinstance(value, dict):\n"
        "            value = value.get(str(step), MISSING)\n        elif",
    ),
    _core(
        "booleans sort after strings",
        "filters.order",
        "str: 2, bool: 3}",
        "str: 3, bool: 2}",
    ),
    _core(
        "numbers sort before strings",
        "filters.order",
        "int: 1, float: 1, str: 2",
        "int: 2, float: 2, str: 1",
    ),
    _core(
        "a page begins after its position",
        "filters.order",
        "bool(key(document) > start)",
        "bool(key(document) >= start)",
    ),
    _core(
        "a position has null for what is no scalar",
        "filters.order",
        "tuple(value if type(value) in _RANKS else None for value in values)",
        "tuple(values)",
        "sqlite",
    ),
    _core(
        "mixed directions are compared key by key",
        "filters.order",
        "_Reversed(value) if reverse else value",
        "_Reversed(value) if descending[0] else value",
    ),
    _core(
        "ties end in the direction of the last key",
        "prepared",
        "(*sort, SortKey(Envelope.ID, sort[-1].descending))",
        "(*sort, SortKey(Envelope.ID))",
    ),
    _core(
        "integral floats are integers",
        "values",
        "return int(value) if -MAX_INTEGER <= value <= MAX_INTEGER else value",
        "return value",
    ),
    _core(
        "integral sums are integers",
        "changes",
        "        return int(total)\n    if total != total",
        "        return total\n    if total != total",
    ),
    _core(
        "sums stay exact",
        "changes",
        "if not -MAX_INTEGER <= total <= MAX_INTEGER:",
        "if False:",
    ),
    _core(
        "a boolean is no number to add to",
        "changes",
        "if type(old) is not int and type(old) is not float:",
        "if not isinstance(old, (int, float)):",
    ),
    _core(
        "nothing is set below what is no object",
        "changes",
        'raise type_mismatch(change.path[: depth + 1], child, "an object", f"${change.kind}")',
        "child = {}",
    ),
    _core(
        "to remove what is not there is no error",
        "changes",
        '        elif change.kind == "unset":\n            return None\n        else:',
        "        else:",
    ),
    _core(
        "patterns are of ASCII alone when they ignore case",
        "filters.regex_parse",
        "in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):",
        "in ((0x41, 0x5A, 32), (0x61, 0x7A, -32), (0xC0, 0xDE, 32)):",
    ),
)

_NODES = "filters.intervals"
SHARED = (
    _core(
        "no character is a surrogate: what follows U+D7FF",
        _NODES,
        "chr(0xE000 if code == 0xD800 else code)",
        "chr(code)",
        "sqlite",
    ),
    _core(
        "no character follows U+10FFFF",
        _NODES,
        'kept = text.rstrip("\\U0010ffff")',
        "kept = text",
        "sqlite",
    ),
    _core(
        "of two equal bounds, the exclusive one holds",
        _NODES,
        "return other if one.inclusive else one",
        "return one if one.inclusive else other",
        "sqlite",
    ),
    _core(
        "the tighter of two bounds holds",
        _NODES,
        "(side == 1) else other",
        "(side != 1) else other",
        "sqlite",
    ),
    _core(
        "no value is of two classes",
        _NODES,
        "            if range_class(known) != range_class(node):\n                return (NONE,)\n",
        "            if range_class(known) != range_class(node):\n                continue\n",
        "sqlite",
    ),
    _core(
        "PostgreSQL's \\x takes any number of digits",
        "filters.regex",
        'r"\\u%04x"',
        'r"\\x%02x"',
        "postgresql",
    ),
    _core(
        "the end of a pattern is the very end, in PCRE",
        "filters.regex",
        '"pcre": _Syntax(r"\\A", r"\\z"',
        '"pcre": _Syntax(r"\\A", r"$"',
        "mongodb",
    ),
)


def _sqlite(
    rule: str, module: str, old: str, new: str, engine: str = "sqlite", equivalent: str = ""
) -> Mutant:
    return Mutant(rule, engine, f"interstore_backends.sqlite.{module}", old, new, equivalent)


SQLITE = (
    _sqlite(
        "negation is two-valued",
        "conditions",
        '({self.condition(node.node)}) IS NOT TRUE"',
        'NOT ({self.condition(node.node)})"',
    ),
    _sqlite(
        "what is missing equals null",
        "conditions",
        "AND coalesce({value.type},'null') = 'null')",
        "AND {value.type} = 'null')",
    ),
    _sqlite(
        "null is no array",
        "conditions",
        "({value.key} = {LOWEST} AND coalesce({value.type},'null') = 'null')",
        "{value.key} = {LOWEST}",
    ),
    _sqlite(
        "ranges end with their class",
        "conditions",
        """terms.append(f"{key} < x''" if text else f"{key} < ''")""",
        "pass",
    ),
    _sqlite(
        "ranges begin with their class",
        "conditions",
        """terms.append(f"{key} >= ''" if text else f"{key} > {LOWEST}")""",
        "pass",
    ),
    _sqlite(
        "columns of json_each are not moved",
        "values",
        'cls(f"+{alias}.type"',
        'cls(f"{alias}.type"',
        equivalent="SQLite moves constants into comparisons; the class is asked for as CASE type "
        "WHEN, which it leaves alone. The plus is for the comparison that somebody writes next",
    ),
    _sqlite(
        "candidates of $elemMatch are objects and arrays",
        "conditions",
        """test = f"CASE WHEN +{alias}.type IN ('array','object') THEN {test} ELSE 0 END\"""",
        "pass",
    ),
    _sqlite(
        "what needs an array is asked of arrays only",
        "conditions",
        "return f\"CASE {value.type} WHEN 'array' THEN {test} ELSE 0 END\"",
        "return test",
    ),
    _sqlite(
        "parts are those of texts only",
        "conditions",
        "return f\"CASE {value.type} WHEN 'text' THEN {self.part(value.scalar, node)} ELSE 0 END\"",
        "return self.part(value.scalar, node)",
    ),
    _sqlite(
        "patterns are for texts only",
        "conditions",
        "return f\"CASE {value.type} WHEN 'text' THEN {found} ELSE 0 END\"",
        "return found",
    ),
    _sqlite(
        "a pattern of what is no text is false",
        "functions",
        "isinstance(value, str) and _searcher",
        "_searcher",
        equivalent="the condition around it has asked for the class already; SQLite evaluated it "
        "too early once, in a form that is no longer written",
    ),
    _sqlite(
        "every text begins with the empty one, and ends with it",
        "conditions",
        "        if not text:\n            return f\"{value.type} = 'text'\"\n",
        "",
    ),
    _sqlite(
        "prefixes are ranges of texts, closed where nothing follows",
        "conditions",
        "return self.prefix(value.key, text, \"x''\")",
        "return self.prefix(value.key, text, None)",
    ),
    _sqlite(
        "true is a blob, above all texts",
        "values",
        "WHEN 'true' THEN x'01'",
        "WHEN 'true' THEN 1",
    ),
    _sqlite(
        "a key is never NULL",
        "values",
        'f"ELSE {LOWEST} END"',
        '"ELSE NULL END"',
    ),
    _sqlite(
        "the key of a real number is the number",
        "values",
        "WHEN 'real' THEN {scalar} ",
        "",
    ),
    _sqlite(
        "numbers are integers and reals",
        "conditions",
        "\"number\": \"'integer','real'\"",
        '"number": "\'integer\'"',
    ),
    _sqlite(
        "null exists",
        "conditions",
        'def exists(self, node: nodes.Exists) -> str:\n        return f"{self.value(node).type} '
        'IS NOT NULL"',
        'def exists(self, node: nodes.Exists) -> str:\n        return f"{self.value(node).type} '
        "<> 'null'\"",
    ),
    _sqlite(
        "null in a list is the explicit one",
        "conditions",
        "test = f\"{element.type} = 'null'\"",
        'test = f"{element.key} = {LOWEST}"',
    ),
    _sqlite(
        "arrays are of one length if they are equal",
        "conditions",
        'f"({size} AND NOT EXISTS',
        'f"({size} IS NOT NULL AND NOT EXISTS',
    ),
    _sqlite(
        "no container equals an element",
        "conditions",
        "f\"(+{mine}.type IN ('array','object') OR \"",
        'f"("',
    ),
    _sqlite(
        "null in $in is null's equality",
        "conditions",
        "            conditions.append(self.equal_scalar(value, None))\n",
        "            pass\n",
    ),
    _sqlite(
        "intervals are merged",
        "conditions",
        "children = merge_ranges(node.nodes)",
        "children = node.nodes",
        equivalent="two conditions say the same as one interval; they only mislead the choice of "
        "an index, which the tests of plans see",
    ),
    _sqlite(
        "a position's ties are decided by the id",
        "compile",
        "return f\"{first} AND ({','.join(expressions)}) {sign} ({bound})\"",
        "return f\"{first} AND {expressions[0]} {sign} ({bound.split(',')[0]})\"",
    ),
    _sqlite(
        "descending pages go down",
        "compile",
        'sign = "<" if order[0].descending else ">"\n    if len(order)',
        'sign = ">"\n    if len(order)',
    ),
    _sqlite(
        "mixed directions go each its own way",
        "compile",
        'sign = "<" if key.descending else ">"',
        'sign = "<" if order[0].descending else ">"',
    ),
    _sqlite(
        "quotes in keys are escaped",
        "keys",
        'return key.replace("%", "%25").replace(\'"\', "%22")',
        'return key.replace("%", "%25")',
    ),
    _sqlite(
        "so is what escapes",
        "keys",
        'return key.replace("%", "%25").replace(\'"\', "%22")',
        'return key.replace(\'"\', "%22")',
    ),
    _sqlite(
        "quotes in literals are doubled",
        "keys",
        """return "'" + text.replace("'", "''") + "'\"""",
        """return "'" + text + "'\"""",
    ),
    _sqlite(
        "numbers far from 1 are read as the documents' are",
        "values",
        "if isinstance(value, float) and not _TINY < abs(value) < _HUGE:",
        "if False:",
        engine="sqlite-newer",
    ),
)


def _postgresql(rule: str, module: str, old: str, new: str, equivalent: str = "") -> Mutant:
    return Mutant(
        rule, "postgresql", f"interstore_backends.postgresql.{module}", old, new, equivalent
    )


POSTGRESQL = (
    _postgresql(
        "negation is two-valued",
        "conditions",
        'f"({self.condition(node.node)}) IS NOT TRUE"',
        'f"NOT ({self.condition(node.node)})"',
    ),
    _postgresql(
        "texts sort by code point",
        "values",
        "THEN {value} #>> '{{}}' ELSE '' END COLLATE \\\"C\\\")\"",
        "THEN {value} #>> '{{}}' ELSE '' END)\"",
    ),
    _postgresql(
        "texts compare by code point",
        "conditions",
        'return f"({value} #>> \'{{}}\') COLLATE \\"C\\""',
        "return f\"({value} #>> '{{}}')\"",
    ),
    _postgresql(
        "ids sort by code point",
        "schema",
        'f\'id text COLLATE "C" CONSTRAINT',
        "f'id text CONSTRAINT",
    ),
    _postgresql(
        "an index needs an array",
        "quoting",
        "f\"(CASE WHEN jsonb_typeof({expression}) = 'array' THEN {expression} -> {step} END)\"",
        'f"({expression} -> {step})"',
    ),
    _postgresql(
        "so do the indexes after it",
        "quoting",
        "'strict $[{step}]'",
        "'lax $[{step}]'",
    ),
    _postgresql(
        "quotes in literals are doubled",
        "quoting",
        """return "'" + text.replace("'", "''") + "'\"""",
        """return "'" + text + "'\"""",
    ),
    _postgresql(
        "lengths are those of arrays only",
        "conditions",
        "f\"(CASE WHEN jsonb_typeof({value}) = 'array' \"\n            "
        'f"THEN jsonb_array_length({value}) = {length} ELSE FALSE END)"',
        'f"(jsonb_array_length({value}) = {length})"',
    ),
    _postgresql(
        "elements are those of arrays only",
        "conditions",
        "(CASE WHEN jsonb_typeof({value}) = \"\n            f\"'array' THEN {value} END)",
        '("\n            f"{value})',
    ),
    _postgresql(
        "candidates of $elemMatch are objects and arrays",
        "conditions",
        '        if not node.as_value:\n            test = f"jsonb_typeof({alias}.v) IN '
        "('object','array') AND {test}\"\n",
        "",
    ),
    _postgresql(
        "containment is asked of keys only",
        "conditions",
        "        if is_plain(node.path):\n            return self.contains(node.path, node.value)",
        "        if True:\n            return self.contains(node.path, node.value)",
    ),
    _postgresql(
        "what is missing equals null",
        "conditions",
        "            return f\"coalesce({value}, 'null'::jsonb) = 'null'::jsonb\"",
        "            return f\"{value} = 'null'::jsonb\"",
    ),
    _postgresql(
        "ranges of numbers begin with the numbers",
        "conditions",
        'terms.append(f"{value} > {_BELOW_NUMBERS}")',
        "pass",
    ),
    _postgresql(
        "ranges of numbers end with the numbers",
        "conditions",
        'terms.append(f"{value} < {_ABOVE_NUMBERS}")',
        "pass",
    ),
    _postgresql(
        "booleans sort after texts",
        "values",
        "WHEN 'boolean' THEN 'NaN'::float8 \"",
        "WHEN 'boolean' THEN 'Infinity'::float8 \"",
    ),
    _postgresql(
        "texts sort after numbers",
        "values",
        "\"WHEN 'string' THEN 'Infinity'::float8 WHEN",
        "\"WHEN 'string' THEN '-Infinity'::float8 WHEN",
    ),
    _postgresql(
        "only texts are asked for parts and patterns",
        "conditions",
        "return f\"(CASE WHEN jsonb_typeof({value}) = 'string' THEN {test} ELSE FALSE END)\"",
        'return f"({test})"',
    ),
    _postgresql(
        "null in $in is null's equality",
        "conditions",
        "            conditions.append(self.equal(nodes.Eq(node.path, None)))\n",
        "            pass\n",
    ),
    _postgresql(
        "mixed directions go each its own way",
        "compile",
        'value, "<" if key.descending else ">")',
        'value, "<" if order[0].descending else ">")',
    ),
    _postgresql(
        "a position's ties are decided by the id",
        "compile",
        'return f"({expressions}) {pairs[0][2]} ({values})"',
        'return f"({pairs[0][0]} {pairs[0][2]} {pairs[0][1]})"',
    ),
    _postgresql(
        "sums are those of doubles",
        "updates",
        'THEN {value}::float8 ELSE 0 END "\n        f"+ {operand}::float8)"',
        'THEN {value}::numeric ELSE 0 END "\n        f"+ {operand}::numeric)"',
    ),
    _postgresql(
        "sums stay exact",
        "updates",
        'self.terms.append(f"abs({_sum(operand, value)}) <= {MAX_INTEGER}")',
        "pass",
    ),
    _postgresql(
        "what is pushed is one element",
        "updates",
        "|| jsonb_build_array({operand}::jsonb)",
        "|| {operand}::jsonb",
    ),
    _postgresql(
        "nothing is removed from arrays",
        "updates",
        "f\"({document} #- CASE WHEN jsonb_typeof({parent}) = 'object' \"\n        "
        "f\"THEN {keys}::text[] ELSE '{{}}'::text[] END)\"",
        'f"({document} #- {keys}::text[])"',
    ),
    _postgresql(
        "nothing is set below what is no object",
        "updates",
        'self._need(path_expression("doc", path[:depth]), "object")',
        "pass",
    ),
    _postgresql(
        "only arrays are pushed to",
        "updates",
        'self._need(value, "array")',
        "pass",
    ),
    _postgresql(
        "only numbers are added to",
        "updates",
        'self._need(value, "number")',
        "pass",
    ),
    _postgresql(
        "large numbers are floats when they are read",
        "rows",
        "    if _SIXTEEN in data.translate(_DIGITS_TO_ZERO) and _LARGE.search(data):\n"
        "        return False\n",
        "",
    ),
)


def _mongodb(rule: str, module: str, old: str, new: str, equivalent: str = "") -> Mutant:
    return Mutant(rule, "mongodb", f"interstore_backends.mongodb.{module}", old, new, equivalent)


MONGODB = (
    _mongodb(
        "comparisons do not enter an array",
        "conditions",
        "parts = [{field: _operators(node)}, {field: _NOT_ARRAY}]",
        "parts = [{field: _operators(node)}]",
    ),
    _mongodb(
        "paths do not enter an array",
        "conditions",
        "        for depth in range(1, len(path))\n        if isinstance(path[depth], str)\n",
        "        for depth in range(0)\n",
    ),
    _mongodb(
        "an array is not its element",
        "conditions",
        '[{field: {"$eq": value}}, {field: {"$not": {"$elemMatch": {"$eq": value}}}}]',
        '[{field: {"$eq": value}}]',
    ),
    _mongodb(
        "null behind an index is missing or null",
        "conditions",
        "if any(isinstance(step, int) for step in path):",
        "if False:",
    ),
    _mongodb(
        "a path that meets an array is missing",
        "conditions",
        'return {"$or": [*arrays, here]} if arrays else here',
        "return here",
    ),
    _mongodb(
        "null is not in an array",
        "conditions",
        "here = all_of([{field: _operators(node)}, {field: _NOT_ARRAY}])",
        "here = all_of([{field: _operators(node)}])",
    ),
    _mongodb(
        "a class is that of the value, not of an element",
        "conditions",
        'choices.append({"$and": [{field: {"$type": others}}, {field: _NOT_ARRAY}]})',
        'choices.append({field: {"$type": others}})',
    ),
    _mongodb(
        "the end is the very end",
        "conditions",
        r'end = r"\z"',
        'end = "$"',
    ),
    _mongodb(
        "texts are no patterns",
        "conditions",
        r'_PUNCTUATION.sub(r"\\\1", text)',
        "text",
    ),
    _mongodb(
        "every text has the empty one",
        "conditions",
        '    if not text:\n        return {"$type": "string"}\n',
        "",
        equivalent="the empty pattern and the range from '' on are true of every string, too",
    ),
    _mongodb(
        "prefixes end before what follows them",
        "conditions",
        '{"$gte": text, "$lt": following}',
        '{"$gte": text}',
    ),
    _mongodb(
        "what stands twice is said twice",
        "conditions",
        "if merged.keys() & part.keys():",
        "if False:",
    ),
    _mongodb(
        "any object or array is an element without conditions",
        "conditions",
        'return {"$elemMatch": inner or {"$and": [{}]}}',
        'return {"$elemMatch": inner}',
        equivalent="this server takes the empty filter for one on objects and arrays, too; nothing "
        "says that all do",
    ),
    _mongodb(
        "strings compare by code point, whatever the collection says",
        "options",
        'SIMPLE: Final = {"locale": "simple"}',
        "SIMPLE: Final = None",
    ),
    _mongodb(
        "digits are escaped in keys",
        "keys",
        'if key[0] == "$" or key.isdecimal() else key',
        'if key[0] == "$" else key',
    ),
    _mongodb(
        "so is a dollar",
        "keys",
        'if key[0] == "$" or key.isdecimal() else key',
        "if key.isdecimal() else key",
    ),
    _mongodb(
        "so are dots",
        "keys",
        'key.replace("%", "%25").replace(".", "%2E")',
        'key.replace("%", "%25")',
    ),
    _mongodb(
        "so is what escapes",
        "keys",
        'key.replace("%", "%25").replace(".", "%2E")',
        'key.replace(".", "%2E")',
    ),
    _mongodb(
        "so is the empty key",
        "keys",
        '    if not key:\n        return "%"\n',
        "    if not key:\n        return key\n",
    ),
    _mongodb(
        "the engine's own fields are not the user's",
        "keys",
        "return _first(key) if key in _OWN else escape_key(key)",
        "return escape_key(key)",
    ),
    _mongodb(
        "nor are they in paths",
        "keys",
        "if at_root and path and path[0] in _OWN:",
        "if False:",
    ),
    _mongodb(
        "containers sort as null",
        "compile",
        '"in": {"$cond": [container, None, "$$v"]}',
        '"in": "$$v"',
    ),
    _mongodb(
        "an index needs an array, in sorts",
        "compile",
        'within = {"$cond": [{"$isArray": "$$o"}, {"$arrayElemAt": ["$$o", step]}, None]}',
        'within = {"$arrayElemAt": ["$$o", step]}',
    ),
    _mongodb(
        "a key needs an object, in sorts",
        "compile",
        '"$cond": [{"$isArray": "$$o"}, None, "$$o." + field_path((step,), at_root=False)]',
        '"$cond": [False, None, "$$o." + field_path((step,), at_root=False)]',
        equivalent="of an array, the server gives an array, which sorts like what is missing",
    ),
    _mongodb(
        "a position's ties are decided by the id",
        "compile",
        'equal.append({"$eq": pair})',
        'equal.append({"$ne": [1, 1]})',
    ),
    _mongodb(
        "a position is no expression",
        "compile",
        '[f"${name}", {"$literal": value}]',
        '[f"${name}", value]',
    ),
    _mongodb(
        "a document is no expression",
        "updates",
        '{"$mergeObjects": [{"$literal": fields}, {ENVELOPE: envelope}]}',
        '{"$mergeObjects": [fields, {ENVELOPE: envelope}]}',
    ),
    _mongodb(
        "sums stay exact",
        "updates",
        'conditions += [{field: {"$not": {"$gt": bound}}}, {field: {"$not": {"$lt": -bound}}}]',
        "pass",
    ),
    _mongodb(
        "keys are escaped in what updates set",
        "updates",
        'update["$set"][field] = escape_value(change.value)',
        'update["$set"][field] = change.value',
    ),
    _mongodb(
        "and in what they push",
        "updates",
        '{"$each": [escape_value(change.value)]}',
        '{"$each": [change.value]}',
    ),
    _mongodb(
        "integral floats are integers when they are read",
        "records",
        "return value if value % 1 else int(value)",
        "return float(value)",
    ),
)


def _cosmosdb(rule: str, module: str, old: str, new: str, equivalent: str = "") -> Mutant:
    return Mutant(rule, "cosmosdb", f"interstore_backends.cosmosdb.{module}", old, new, equivalent)


COSMOSDB = (
    _cosmosdb(
        "what is undefined is false before it is negated",
        "conditions",
        'return f"(NOT (({self.condition(node.node)}) ?? false))"',
        'return f"(NOT ({self.condition(node.node)}))"',
    ),
    _cosmosdb(
        "what is missing equals null",
        "conditions",
        'return f"(NOT IS_DEFINED({value}) OR IS_NULL({value}))"',
        'return f"IS_NULL({value})"',
    ),
    _cosmosdb(
        "scalars are no candidates of $elemMatch",
        "conditions",
        'test = f"(IS_OBJECT({alias}) OR IS_ARRAY({alias})) AND {test}"',
        "pass",
    ),
    _cosmosdb(
        "keys of the service's own are escaped",
        "keys",
        'if key not in _OWN and not key.startswith("%"):',
        "if True:",
    ),
    _cosmosdb(
        "a page begins after its position",
        "compile",
        'return "<" if key.descending else ">"',
        'return "<=" if key.descending else ">="',
    ),
    _cosmosdb(
        "booleans sort after strings",
        "compile",
        '("null", "number", "string", "false", "true")',
        '("null", "false", "true", "number", "string")',
    ),
    _cosmosdb(
        "containers sort as null",
        "compile",
        " OR IS_ARRAY({0}) OR IS_OBJECT({0}))",
        ")",
    ),
    _cosmosdb(
        "sums stay exact",
        "updates",
        'within = f"(IS_NUMBER({value}) AND {value} < {bound} AND {value} > -{bound})"',
        'within = f"IS_NUMBER({value})"',
    ),
    _cosmosdb(
        "what is equal at the end of a page is asked for by id",
        "_sync.reads",
        "if stream.value(found[limit].document) != last:",
        "if True:",
    ),
)

MUTANTS = (*CORE, *SHARED, *SQLITE, *POSTGRESQL, *MONGODB, *COSMOSDB)

QUICK = (CORE[0], CORE[15], SHARED[0], SQLITE[0], POSTGRESQL[2], MONGODB[0], COSMOSDB[0])
"""Tried in every run."""
