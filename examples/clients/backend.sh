#!/bin/sh
# A backend made of curl: watches, sends, and goes on where it was.
#
#     ./backend.sh watch [ROOM]          prints each event; started again, it goes on behind the last one
#     ./backend.sh send NAME WORDS...    to the WebSocket of this name
#     ./backend.sh publish ROOM WORDS... to all in a room
# TIDEGATE_URL is where the server is, if not at http://localhost:8082.
set -eu

url=${TIDEGATE_URL:-http://localhost:8082}
last=${TIDEGATE_LAST:-last-event-id} # a file for the id of the last event

# Each byte as %XX, which is right wherever it stands in a URL.
encode() {
    printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %
}

# A JSON string; what is typed has no control characters.
quote() {
    printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}

# Where keys are configured, curl is given one.
ask() {
    curl -sS --fail-with-body ${TIDEGATE_TOKEN:+-H "Authorization: Bearer $TIDEGATE_TOKEN"} "$@"
}

post() {
    path=$1
    shift
    ask -H 'Content-Type: application/json' -d "{\"text\":$(quote "$*")}" "$url/api/$path"
    echo
}

watch() {
    while :; do
        # Each line is `field: value`. The id of an event stands before its data; an empty line ends it.
        ask -N -H "Last-Event-ID: $(cat "$last" 2>/dev/null)" "$url/events${1:+?room=$(encode "$1")}" |
            while IFS= read -r line || [ "$line" ]; do
                case $line in
                    "id: "*) id=${line#id: } ;;
                    "data: "*) printf '%s\n' "${line#data: }" ;;
                    "{"*) printf '%s\n' "$line" >&2 ;; # no stream, but what is wrong
                    "") printf %s "${id:-}" >"$last" ;;
                esac
            done
        sleep 1
    done
}

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2; }

case ${1:-} in
    watch) watch "${2:-}" ;;
    send) [ $# -gt 2 ] || usage && name=$(encode "$2") && shift 2 && post "connections/$name" "$@" ;;
    publish) [ $# -gt 2 ] || usage && room=$(encode "$2") && shift 2 && post "rooms/$room/messages" "$@" ;;
    *) usage ;;
esac
