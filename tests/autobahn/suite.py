"""The Autobahn test suite: kosoku's command line, with a mistake of version 0.1.0 mended.

The cases of sections 12 and 13 hash what comes back, as octets. kosoku gives them octets only if
a message came compressed, and otherwise a str, which cannot be hashed: it takes an answer that is
left as it is, as RFC 7692 section 6 allows, for an error.
"""

from kosoku import _cli
from kosoku.cases import CASES


def with_octets(on_message):
    def on_any_message(case, message, binary):
        if isinstance(message, str):
            # Text is decoded; of binary messages each character is an octet.
            message = message.encode("latin-1" if binary else "utf-8")
        on_message(case, message, binary)

    return on_any_message


for number, case in CASES.items():
    if number.startswith(("12.", "13.")):
        case.onMessage = with_octets(case.onMessage)

_cli.main()
