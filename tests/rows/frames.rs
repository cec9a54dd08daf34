//! Rows about WebSocket frames (RFC 6455).
