// A reader made with npm's `eventsource`: a line of JSON for each event, "open" for each connection.
"use strict";

const { EventSource } = require("eventsource");

const source = new EventSource(process.argv[2]);
source.onopen = () => console.log("open");
for (const type of ["message", "binary", "gap"]) {
  source.addEventListener(type, event =>
    console.log(JSON.stringify({ type: event.type, id: event.lastEventId, data: event.data })));
}
