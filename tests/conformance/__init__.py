"""A conformance suite for Tidegate, written from PROTOCOL.md alone."""
