//! Hosts: which are this machine or its neighbours.

use std::net::IpAddr;

/// Whether a host is this machine or one of a private network, where plain HTTP is usual.
pub fn is_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => {
            host == "localhost"
                || !host.contains('.')
                || [".local", ".internal", ".localhost", ".svc"].iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_private_networks_are_told_from_others() {
        for host in ["localhost", "127.0.0.1", "10.1.2.3", "::1", "api", "hooks.svc.internal"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["example.com", "8.8.8.8", "2001:db8::1"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
