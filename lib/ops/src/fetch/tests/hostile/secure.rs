//! Secure connections that are none.

use super::*;

#[test]
fn a_connection_that_cannot_be_trusted_carries_nothing() {
    let hostile = Hostile::new();
    let broken = |name, fault, message| {
        let mut scenario = Scenario::new(name).fails(message).requests(0..=0);
        scenario.tls = Some(fault);
        scenario
    };
    hostile.run([
        broken(
            "a certificate of another host",
            TlsFault::WrongHost,
            "server certificate refused",
        ),
        broken(
            "a certificate of the past",
            TlsFault::Expired,
            "server certificate refused",
        ),
        broken(
            "a certificate that vouches for itself",
            TlsFault::SelfSigned,
            "server certificate refused",
        ),
        broken(
            "versions of the past",
            TlsFault::OldProtocol,
            "secure connection failed",
        ),
        broken("no TLS at all", TlsFault::Plain, "secure connection failed"),
        broken("cut in the handshake", TlsFault::Cut, "connection closed"),
    ]);
}
