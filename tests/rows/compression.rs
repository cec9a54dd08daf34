//! Rows about compression (RFC 7692).
