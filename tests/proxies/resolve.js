// For Node's --require: the host of the examples is this machine.
"use strict";

const dns = require("node:dns");

const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host === "tide.example.com" ? "127.0.0.1" : host, ...rest);
