"""How a test says which server it needs."""

from __future__ import annotations


def served(*options: str, **settings):
    """The test gets a server with these options, shared within the chapter by those that want the same."""

    def mark(test):
        test.server = (options, settings)
        return test

    return mark


def alone(test):
    """The test starts its own server, since it stops or reconfigures it."""
    test.alone = True
    return test
