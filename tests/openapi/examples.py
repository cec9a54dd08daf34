"""Checks an OpenAPI description, read from standard input: it must be valid, everything in it that can be referred to
must be, and each of its examples must fit its schema. Prints what is wrong; ends with 1 if anything is."""

import json
import sys

import jsonschema
import openapi_spec_validator
from referencing import Registry, Resource

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Description:
    def __init__(self, text):
        self.text = text
        self.root = json.loads(text)
        self.faults = []
        resource = Resource.from_contents({**self.root, "$schema": DRAFT})
        self.registry = Registry().with_resource("doc:", resource)

    def follow(self, node):
        while isinstance(node, dict) and "$ref" in node:
            path = node["$ref"].removeprefix("#/").split("/")
            node = self.root
            for part in path:
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def absolute(self, schema):
        if isinstance(schema, list):
            return [self.absolute(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        return {key: "doc:" + value if key == "$ref" else self.absolute(value) for key, value in schema.items()}

    def check(self, place, schema, example):
        validator = jsonschema.Draft202012Validator(self.absolute(schema), registry=self.registry)
        self.faults += [f"{place}: {error.message}" for error in validator.iter_errors(example)]

    def check_media(self, place, content):
        for name, media in content.items():
            examples = [one["value"] for one in media.get("examples", {}).values()]
            examples += [media["example"]] if "example" in media else []
            for example in examples:
                self.check(f"{place}, {name}", media["schema"], example)

    def check_operation(self, place, operation, parameters):
        for parameter in map(self.follow, parameters + operation.get("parameters", [])):
            if "example" in parameter:
                self.check(f"{place}, {parameter['name']}", parameter["schema"], parameter["example"])
        self.check_media(place, operation.get("requestBody", {}).get("content", {}))
        for status, response in operation["responses"].items():
            self.check_media(f"{place}, {status}", self.follow(response).get("content", {}))

    def check_all(self):
        self.faults += [str(error) for error in openapi_spec_validator.OpenAPIV31SpecValidator(self.root).iter_errors()]
        for path, item in self.root["paths"].items():
            for method in item.keys() & {"get", "post", "delete"}:
                self.check_operation(f"{method} {path}", item[method], item.get("parameters", []))
        for kind, parts in self.root["components"].items():
            used = '"{name}": []' if kind == "securitySchemes" else '"#/components/{kind}/{name}'
            unused = (name for name in parts if used.format(kind=kind, name=name) not in self.text)
            self.faults += [f"nothing refers to {kind}/{name}" for name in unused]


description = Description(sys.stdin.read())
description.check_all()
print("\n".join(description.faults))
sys.exit(1 if description.faults else 0)
