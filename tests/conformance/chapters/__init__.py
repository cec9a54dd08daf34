"""One module for each chapter of PROTOCOL.md."""
