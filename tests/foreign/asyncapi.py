"""Holds the AsyncAPI description against its own examples, and against what a server really said.

usage: asyncapi.py DESCRIPTION < LINES

Each line is the name of a message, a tab, and a payload in JSON that must be one. Prints how many
payloads were looked at, or what is wrong.
"""

import json
import sys

from jsonschema import Draft7Validator


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        description = json.load(file)
    messages = description["components"]["messages"]
    problems = []
    looked_at = 0
    for name, message in messages.items():
        payload = validator(description, message["payload"])
        headers = validator(description, message.get("headers", True))
        if not message["examples"]:
            problems.append(f"{name}: has no example")
        for example in message["examples"]:
            problems += wrong(payload, name, example["payload"])
            problems += wrong(headers, f"{name}, headers", example.get("headers", {}))
            problems += lax(description, message["payload"], name, example["payload"])
            looked_at += 1
    for line in sys.stdin:
        name, text = line.rstrip("\n").split("\t", 1)
        said = json.loads(text)
        problems += wrong(validator(description, messages[name]["payload"]), name, said)
        looked_at += 1
    print("\n".join(problems) or f"{looked_at} payloads")
    sys.exit(bool(problems))


def validator(description, schema):
    # References lead into the whole description.
    whole = {"allOf": [schema], "components": description["components"]}
    Draft7Validator.check_schema(whole)
    return Draft7Validator(whole)


def wrong(schema, name, payload):
    return [f"{name}: {payload!r}: {error.message}" for error in schema.iter_errors(payload)]


def lax(description, schema, name, payload):
    """What is required must be missed."""
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    judge = validator(description, schema)
    without = [(key, {k: v for k, v in payload.items() if k != key}) for key in schema.get("required", [])]
    return [f"{name}: {key} is not missed" for key, rest in without if judge.is_valid(rest)]


main()
