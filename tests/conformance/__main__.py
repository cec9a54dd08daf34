"""Runs the suite: `python3 -m conformance --tidegate PATH [--only NAME] [--list]`."""

from __future__ import annotations

import argparse
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from .server import Server

# Tests wait far more than they compute, so chapters can go side by side even on one processor.
CHAPTERS_AT_ONCE = 6


class Chapter:
    """One module of tests, and the servers that its tests share."""

    def __init__(self, name: str):
        self.name = name
        module = import_module(f".chapters.{name}", __package__)
        self.tests = [value for key, value in vars(module).items() if key.startswith("test_")]
        self.defaults = getattr(module, "SERVER", ((), {}))
        self.servers: dict[str, Server] = {}

    def label(self, test) -> str:
        return f"{self.name}.{test.__name__.removeprefix('test_')}"

    def server(self, test) -> Server:
        options, settings = getattr(test, "server", self.defaults)
        key = repr((options, settings))
        if key not in self.servers:
            self.servers[key] = Server(*options, **settings)
        return self.servers[key]

    def run(self, tests, report) -> None:
        try:
            for test in tests:
                try:
                    if getattr(test, "alone", False):
                        test()
                    else:
                        test(self.server(test))
                    report(self.label(test), None)
                except Exception as error:  # whatever went wrong is this test's failure, not the suite's end
                    report(self.label(test), explain(error))
        finally:
            for server in self.servers.values():
                server.stop()


def explain(error: Exception) -> str:
    here = [entry for entry in traceback.extract_tb(error.__traceback__) if "chapters" in entry.filename]
    line = f"line {here[-1].lineno}: {here[-1].line}\n       " if here else ""
    return f"{line}{type(error).__name__}: {error}"


def sentence(test) -> str:
    return " ".join((test.__doc__ or "").split())


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance", description="Does a binary keep what PROTOCOL.md promises?")
    parser.add_argument("--tidegate", default="./tidegate", metavar="PATH", help="the binary")
    parser.add_argument("--only", metavar="NAME", help="tests with NAME in chapter.test")
    parser.add_argument("--list", action="store_true", help="print the tests and the sentences that they check")
    arguments = parser.parse_args()
    Server.binary = str(Path(arguments.tidegate).resolve())

    files = sorted(Path(__file__).with_name("chapters").glob("[a-z]*.py"))
    chosen = []
    for chapter in (Chapter(file.stem) for file in files):
        tests = [test for test in chapter.tests if not arguments.only or arguments.only in chapter.label(test)]
        if tests:
            chosen.append((chapter, tests))
    if arguments.list:
        for chapter, tests in chosen:
            for test in tests:
                print(f"{chapter.label(test)}: {sentence(test)}")
        return 0

    printing = threading.Lock()
    counts = {"passed": 0, "failed": 0}

    def report(label: str, failure: str | None) -> None:
        with printing:
            counts["failed" if failure else "passed"] += 1
            print(f"{'FAIL' if failure else 'ok  '} {label}", flush=True)
            if failure:
                print(f"     {failure}", flush=True)

    with ThreadPoolExecutor(CHAPTERS_AT_ONCE) as pool:
        for done in [pool.submit(chapter.run, tests, report) for chapter, tests in chosen]:
            done.result()
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
