//! The way to a host.
//!
//! Knows: names, addresses, connecting.
//! Must not know: what is said then.

use super::failure::Failure;
use super::url::Url;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For each address, and again from the request to the end of its answer.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The first address that takes a connection.
pub(super) fn reach(url: &Url) -> Result<TcpStream, Failure> {
    let mut tried = Vec::new();
    let found = addresses(url).map_err(|error| Failure::UnknownHost(url.host.clone(), error))?;
    for address in found {
        match TcpStream::connect_timeout(&address, CONNECT_TIME) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    Err(Failure::Unreachable(url.authority.clone(), tried))
}

/// `localhost` is both loopback addresses, whatever the system makes of it: so it is for a server.
fn addresses(url: &Url) -> io::Result<Vec<SocketAddr>> {
    if url.host.eq_ignore_ascii_case("localhost") {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, url.port)).to_vec());
    }
    Ok((url.host.as_str(), url.port).to_socket_addrs()?.collect())
}
