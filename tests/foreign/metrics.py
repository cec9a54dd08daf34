"""Reads a page of metrics as Prometheus' own client does.

usage: metrics.py < PAGE

Prints its families as JSON: name, type, and samples, each a series as it stands on the page and its value.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def series(sample):
    labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}}" if labels else sample.name


families = text_string_to_metric_families(sys.stdin.read())
json.dump(
    [
        {"name": one.name, "type": one.type, "samples": [[series(s), s.value] for s in one.samples]}
        for one in families
    ],
    sys.stdout,
)
