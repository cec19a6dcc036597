"""How the state of a changed operator is brought over: columns that were added, widened, left out or moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead.plan.identity import VIEW

Layout = Mapping[str, Any]


@dataclass(frozen=True)
class Migration:
    """What to do with the tables of an operator's state before they are restored."""

    accumulators: Mapping[int, int] | None = None
    """For aggregates whose list changed: old number -> new number; the others begin empty."""
    notes: tuple[str, ...] = ()
    """What changed, in words."""
    obstacle: str = ""
    """Why it cannot be done; empty if it can."""

    @property
    def unchanged(self) -> bool:
        """The state is as it was, so that increments may go behind it."""
        return not self.notes and self.accumulators is None

    def apply(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """The tables as the changed operator restores them."""
        if self.accumulators is None:
            return dict(tables)
        return {name: self._renumbered(table) for name, table in tables.items()}

    def _renumbered(self, table: pa.Table) -> pa.Table:
        assert self.accumulators is not None
        names, columns = [], []
        for name, column in zip(table.column_names, table.columns, strict=True):
            number, dot, rest = name.partition(".")
            if dot and number.isdigit():
                if int(number) not in self.accumulators:
                    continue
                name = f"{self.accumulators[int(number)]}.{rest}"
            names.append(name)
            columns.append(column)
        return pa.table(columns, names=names).replace_schema_metadata(table.schema.metadata)


def migration_of(kind: str, old: Layout, new: Layout) -> Migration:
    """How state of layout `old` becomes state of layout `new`."""
    if old == new:
        return Migration()
    if kind == "Aggregate":
        return _of_aggregate(old, new)
    if kind in ("Merge", "MergeAsof"):
        return _of_join(old, new)
    if kind == VIEW:
        names = [[name for name, _ in each["columns"]] for each in (old, new)]
        return Migration(obstacle=f"the result in memory had columns {names[0]} and has {names[1]}")
    changed = [
        f"{name} was {old.get(name)!r} and is {value!r}" for name, value in new.items() if old.get(name) != value
    ]
    return Migration(notes=tuple(changed))


def _of_aggregate(old: Layout, new: Layout) -> Migration:
    if [name for name, _ in old["keys"]] != [name for name, _ in new["keys"]]:
        return Migration(obstacle=f"its keys were {_names(old['keys'])} and are {_names(new['keys'])}")
    if old["window"] != new["window"]:
        return Migration(obstacle=f"its window was {old['window']} and is {new['window']}")
    if old["append_only_input"] != new["append_only_input"]:
        return Migration(obstacle="its input took rows back before and does not now, or the other way round")
    pairs = list(zip(old["keys"], new["keys"], strict=True))
    notes = [f"key {name} was {before} and is {after}" for (name, before), (_, after) in pairs if before != after]
    if any(not _widens(before, after) for (_, before), (_, after) in pairs):
        return Migration(obstacle="; ".join(notes))
    mapping: dict[int, int] = {}
    for number, (name, aggregate, kinds, call) in enumerate(new["aggregates"]):
        was = _find(old["aggregates"], name, aggregate, kinds, call, taken=mapping)
        if was is None:
            before = next((each for each in old["aggregates"] if each[0] == name), None)
            notes.append(f"{name} is {call} and begins empty" + (f"; it was {before[3]}" if before else ""))
        else:
            mapping[was] = number
    left = [each[0] for number, each in enumerate(old["aggregates"]) if number not in mapping]
    notes += [f"{name} is left out" for name in left if name not in {each[0] for each in new["aggregates"]}]
    same = mapping == {number: number for number in range(len(new["aggregates"]))}
    return Migration(None if same and len(mapping) == len(old["aggregates"]) else mapping, notes=tuple(notes))


def _find(
    aggregates: list[list[Any]], name: str, aggregate: str, kinds: list[str], call: str, *, taken: Mapping[int, int]
) -> int | None:
    """The number of the old aggregate with this name, or else of one that is computed alike."""
    for number, (old_name, old_aggregate, old_kinds, _) in enumerate(aggregates):
        if number not in taken and old_name == name and old_aggregate == aggregate and old_kinds == kinds:
            return number
    for number, (_, _, old_kinds, old_call) in enumerate(aggregates):
        if number not in taken and old_call == call and old_kinds == kinds:
            return number
    return None


def _of_join(old: Layout, new: Layout) -> Migration:
    notes: list[str] = []
    for side in ("left", "right"):
        before, after = dict(map(tuple, old[side])), dict(map(tuple, new[side]))
        for name, kind in before.items():
            if name in after and not _widens(kind, after[name]):
                return Migration(obstacle=f"{side} column {name} was {kind} and is {after[name]}")
            if name in after and after[name] != kind:
                notes.append(f"{side} column {name} was {kind} and is {after[name]}")
            elif name not in after:
                notes.append(f"{side} column {name} is left out")
        notes += [f"{side} column {name} is new: null in stored rows" for name in after if name not in before]
    if old["append_only_inputs"] != new["append_only_inputs"]:
        return Migration(obstacle="an input took rows back before and does not now, or the other way round")
    return Migration(notes=tuple(notes))


WIDER = {
    "int8": ("int16", "int32", "int64"),
    "int16": ("int32", "int64"),
    "int32": ("int64",),
    "uint8": ("uint16", "uint32", "uint64", "int16", "int32", "int64"),
    "uint16": ("uint32", "uint64", "int32", "int64"),
    "uint32": ("uint64", "int64"),
    "float": ("double",),
    "string": ("large_string",),
    "date32[day]": ("date64[ms]",),
}
"""Arrow types by name, and the types that hold all their values."""


def _widens(before: str, after: str) -> bool:
    return before == after or after in WIDER.get(before, ())


def _names(keys: list[list[str]]) -> list[str]:
    return [name for name, _ in keys]
