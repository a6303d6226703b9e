"""The published schemas of what commands print as JSON."""
import json
import pathlib

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "docs" / "schemas"


def load(name):
    """A validator; references to other files of the folder are followed."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    store = {path.name: json.loads(path.read_text()) for path in SCHEMAS.iterdir()}
    resolver = jsonschema.RefResolver(base_uri="", referrer=schema, store=store)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def faults(validator, value):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(value)]
