//! Rows about HTTP heads, bodies, handshakes.
