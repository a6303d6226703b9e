"""The published schemas (docs/schemas), ready to judge.

They are open: fields may be added to what is emitted, and whoever reads it ignores what he does not know. Here, where nothing
may be emitted that the contract does not tell of, they are closed: a field that no schema names is a fault."""
import copy
import json
import pathlib

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "docs" / "schemas"
SUFFIX = ".schema.json"


def read(name):
    schema = json.loads((SCHEMAS / (name + SUFFIX)).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def whole(name):
    """The schema with every reference replaced by what it leads to."""
    documents = {name: read(name)}

    def resolve(node, home):
        if isinstance(node, list):
            return [resolve(item, home) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {key: resolve(value, home) for key, value in node.items() if key != "$defs"}
        file, _, pointer = node["$ref"].partition("#")
        there = file.removesuffix(SUFFIX) or home
        if there not in documents:
            documents[there] = read(there)
        target = documents[there]
        for step in filter(None, pointer.split("/")):
            target = target[step]
        return resolve(target, there)
    return resolve(documents[name], name)


def closed(schema):
    """The same schema, but no object has a field that it does not name."""
    schema = copy.deepcopy(schema)

    def close(node):
        if isinstance(node, list):
            for item in node:
                close(item)
        if not isinstance(node, dict):
            return
        parts = node.get("allOf", [])
        if parts and all("properties" in part and "if" not in part for part in parts):  # one object, told in parts
            for part in node.pop("allOf"):
                node.setdefault("properties", {}).update(part["properties"])
                node["required"] = node.get("required", []) + part.get("required", [])
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for key, value in node.items():
            if key == "properties":
                for child in value.values():
                    close(child)
            elif key in ("items", "anyOf", "additionalProperties"):
                close(value)
    close(schema)
    return schema


def load(name):
    """A validator that permits what the contract tells of, and nothing else."""
    return jsonschema.Draft202012Validator(closed(whole(name)))


def load_open(name):
    """A validator as a consumer has it."""
    return jsonschema.Draft202012Validator(whole(name))


def faults(validator, value):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(value)]
