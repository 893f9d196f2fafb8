//! Whom to trust: the authorities that browsers trust, or those of a file.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::address::Address;

/// How a connection to an address is made safe.
///
/// # Errors
///
/// A file that it names cannot be read, or is none of certificates and keys.
pub fn config(address: &Address) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let mut named = Vec::new();
    match &address.roots {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            named = certificates(path)?;
            roots.add_parsable_certificates(named.iter().cloned());
            if roots.is_empty() {
                return Err(unread("certificates", path));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let usual = usual.build().map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { usual, named }));
    match &address.own {
        None => Ok(config.with_no_client_auth()),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| unread("keys", key))?;
            let whole = config.with_client_auth_cert(chain, key);
            whole.map_err(|_| "certificate and key do not belong together".to_owned())
        }
    }
}

/// Why a server is not trusted, if that is what an error is about.
pub fn distrust(error: &(dyn std::error::Error + 'static), asked_for_no_check: bool) -> Option<String> {
    let inside = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
    let error = error.downcast_ref::<Error>().or_else(|| inside.and_then(|inside| inside.downcast_ref::<Error>()))?;
    let asked = match asked_for_no_check {
        true => "; the address says that it is not checked, but here it always is",
        false => "",
    };
    let hint = "name the file of who signed it with `sslrootcert` in the address";
    Some(match error {
        Error::InvalidCertificate(_) => format!("its certificate is not trusted{asked}; {hint}"),
        _ => format!("no safe connection to it: {error}{asked}"),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    all.map_err(|_| unread("certificates", path))
}

fn unread(what: &str, path: &Path) -> String {
    format!("the file of {what}, `{}`, has none or cannot be read", path.display())
}

/// Trusts whom a named authority signed, and a server whose own certificate is named: one that
/// signed itself, as the manual of PostgreSQL has it, is an authority and else refused.
#[derive(Debug)]
struct Trust {
    usual: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.named.contains(server) {
            return Ok(ServerCertVerified::assertion());
        }
        self.usual.verify_server_cert(server, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
