"""Checks Grafana dashboards as Grafana's own types have them, and for what provisioning and a reader rely on."""

import enum
import json
import pathlib
import re
import sys
import types
import typing

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import Runtime
from grafana_foundation_sdk.models.dashboard import Dashboard

# Keys that the types leave out, since parts of Grafana beside the dashboard read them: its editor, and the Prometheus
# data source.
BESIDE = {"definition", "step", "textFormat", "titleFormat"}
# Variables that Grafana has by itself.
BUILT_IN = {"__all", "__rate_interval", "__range"}
COLUMNS = 24
LONGEST_UID = 40


def unknown(given, read, place):
    """What the file says and Grafana's types have no place for."""
    if isinstance(given, dict) and isinstance(read, dict):
        for key, value in given.items():
            if key not in read:
                # `null` is what is not said.
                if value is not None and key not in BESIDE:
                    yield f"{place}.{key}: there is no such key"
            else:
                yield from unknown(value, read[key], f"{place}.{key}")
    elif isinstance(given, list) and isinstance(read, list):
        for index, (value, other) in enumerate(zip(given, read)):
            yield from unknown(value, other, f"{place}[{index}]")
    elif given != read:
        yield f"{place}: {given!r} is read as {read!r}"


def fits(value, kind):
    """Whether a value is of that type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any or kind is object:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, arguments[1]) for item in value.values())
    if not isinstance(kind, type):
        return True
    if isinstance(value, dict) and hasattr(kind, "from_json"):
        read = kind.from_json(value)
        return not [*unknown(value, json.loads(json.dumps(read, cls=JSONEncoder)), ""), *misfits(read, "")]
    if issubclass(kind, enum.Enum):
        return value in {member.value for member in kind}
    if kind in (int, float):
        return isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    return isinstance(value, kind)


def misfits(value, place):
    """What is not of the type that Grafana has for it."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from misfits(item, f"{place}.{key}")
    elif hasattr(value, "to_json"):
        for name, kind in typing.get_type_hints(type(value)).items():
            inner, where = getattr(value, name), f"{place}.{name}"
            if fits(inner, kind):
                yield from misfits(inner, where)
            else:
                yield f"{where}: {inner!r} is no {kind}"


def careless(dashboard):
    """What Grafana would take, and what would then not work."""
    if not 0 < len(dashboard.get("uid", "")) <= LONGEST_UID:
        yield f"uid: must have 1 to {LONGEST_UID} characters, since links and alerts name it"
    if dashboard.get("id") is not None:
        yield "id: belongs to one Grafana, and must be left out"
    variables = dashboard["templating"]["list"]
    if not any(variable["type"] == "datasource" for variable in variables):
        yield "templating: has no variable for the data source"
    panels = [panel for row in dashboard["panels"] for panel in [row, *row.get("panels", [])]]
    ids = [panel["id"] for panel in panels]
    yield from (f"panels: two have the id {one}" for one in sorted({one for one in ids if ids.count(one) > 1}))
    taken = {}
    for panel in panels:
        title, grid = panel["title"], panel["gridPos"]
        if grid["x"] + grid["w"] > COLUMNS:
            yield f"panel `{title}`: is wider than the {COLUMNS} columns leave room for"
        columns, rows = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
        for cell in ((column, row) for column in columns for row in rows):
            if taken.setdefault(cell, title) is not title:
                yield f"panel `{title}`: covers `{taken[cell]}`"
                break
        letters = [target["refId"] for target in panel.get("targets", [])]
        if len(set(letters)) < len(letters):
            yield f"panel `{title}`: two of its queries have one refId"
        if panel["type"] == "row":
            continue
        if not (letters and panel.get("description")):
            yield f"panel `{title}`: has no query, or no description"
        if panel["type"] not in Runtime().panelcfg_variants:
            yield f"panel `{title}`: there is no panel of type `{panel['type']}`"
        if panel["datasource"]["type"] not in Runtime().dataquery_variants:
            yield f"panel `{title}`: there is no data source of type `{panel['datasource']['type']}`"
    known = BUILT_IN | {variable["name"] for variable in variables}
    text = json.dumps(dashboard)
    yield from (f"${name}: is no variable" for name in sorted(set(re.findall(r"\$\{?(\w+)", text)) - known))
    fixed = set(re.findall(r'"uid": "([^"]*)"', json.dumps([dashboard["panels"], variables]))) - {"${datasource}"}
    yield from (f"data source `{uid}`: must be the variable: each Grafana has another one" for uid in sorted(fixed))


def complaints(path):
    """All that is wrong with a file."""
    dashboard = json.loads(path.read_text())
    read = Dashboard.from_json(dashboard)
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    found = [*unknown(dashboard, written, path.name), *misfits(read, path.name)]
    # What is not even of the right shape cannot be looked at further.
    return found or [f"{path.name}: {what}" for what in careless(dashboard)]


def main():
    register_default_plugins()
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    found = [complaint for path in paths for complaint in complaints(path)]
    uids = [json.loads(path.read_text()).get("uid", "") for path in paths]
    found += [f"uid `{uid}`: two dashboards have it" for uid in sorted({uid for uid in uids if uids.count(uid) > 1})]
    if not paths:
        found.append(f"{sys.argv[1]}: there are no dashboards")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
