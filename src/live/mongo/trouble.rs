//! What goes wrong with a database, in words that quote nothing of what was sent or answered.

use std::io;

/// A connection that ended.
pub const CLOSED: &str = "it closed the connection";
/// A server that says nothing.
pub const SILENT: &str = "it does not answer";
/// A server that lets nobody read who does not log in.
pub const WANTS_USER: &str = "it asks for a user and a password";
/// A collection that is not there, which it was when its name was told.
pub const DROPPED: &str = "the collection was dropped while it was read";
/// What only looks like a collection.
pub const A_VIEW: &str = "it is a view";
/// An answer that is not what was asked for.
pub const NOT_UNDERSTOOD: &str = "its answer cannot be understood";

/// Why an answer is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The server is not there, or nobody may ask it: nothing else needs to be asked.
    Everything(String),
    /// The user of the database may not read this.
    Refused(String),
    /// This alone.
    This(String),
}

impl Trouble {
    /// What happened, in words that quote nothing of what was sent.
    pub fn words(&self) -> &str {
        let (Self::Everything(words) | Self::Refused(words) | Self::This(words)) = self;
        words
    }

    /// What the server means by an error, which is not shown itself: it may quote what was asked.
    pub fn refusal(code: i32, name: &str, logs_in: bool) -> Self {
        let this = |words: &str| Self::This(words.to_owned());
        match code {
            13 if !logs_in => Self::Everything(WANTS_USER.to_owned()),
            13 => Self::Refused("the user of the database may not read it".to_owned()),
            18 | 8000 => Self::Everything("it refuses the user or the password".to_owned()),
            43 | 237 => this("the server ended the query before it was read"),
            50 => this("the server needs too long for it"),
            175 | 26 => this(DROPPED),
            166 => this(A_VIEW),
            91 | 11600 | 11602 => Self::Everything("the server is being shut down".to_owned()),
            code => {
                let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                Self::This(format!("it answers with error {code} {name}").trim_end().to_owned())
            }
        }
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        Self::other(trouble.words().to_owned())
    }
}

/// What happened to a connection.
pub fn of_io(error: &io::Error) -> &'static str {
    let text = error.to_string();
    let has = |word: &str| text.contains(word);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there",
        io::ErrorKind::TimedOut => SILENT,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => CLOSED,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no way to it",
        _ if has("UnknownIssuer") => {
            "its certificate is of an authority that is not trusted; name the authority with `tlsCAFile`"
        }
        _ if has("NotValidForName") => "its certificate is for another name",
        _ if has("Expired") => "its certificate is expired",
        _ if has("invalid peer certificate") => "its certificate is not valid",
        _ if has("CertificateRequired") || has("BadCertificate") || has("CertificateUnknown") => {
            "it wants a certificate of ours, which `tlsCertificateKeyFile` names"
        }
        _ if has("corrupt message") => "it does not speak TLS",
        _ if has("received fatal alert") => "it and we have no way of TLS in common",
        _ if has("lookup address") => "its name is not known",
        _ => "the connection failed",
    }
}
