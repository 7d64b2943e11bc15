//! Who may do what.

use std::fmt;

use bellwether_model::Problem;
use subtle::ConstantTimeEq;

/// What a request asks for, and what a token grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Questions.
    Read,
    /// New events.
    Ingest,
    /// Everything, acknowledgements and silences too.
    Operate,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Read, Role::Ingest, Role::Operate];

    /// Its name in settings and answers.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Ingest => "ingest",
            Role::Operate => "operate",
        }
    }

    fn grants(self, asked: Role) -> bool {
        self == asked || self == Role::Operate
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Granted,
    /// A token of ours, for something else.
    WrongRole,
    /// None of ours.
    Unknown,
}

/// The tokens of a daemon; they are compared in constant time and never shown.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(Role, String)>);

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

impl Tokens {
    /// Adds a token, without the blanks around it.
    ///
    /// # Errors
    /// One that is too short, has characters that do not fit into a header, or is already another role's.
    pub fn add(&mut self, role: Role, token: &str) -> Result<(), Problem> {
        let token = token.trim();
        let refuse = |message: &str, remedy: &str| {
            Err(Problem::new(message, remedy).field(format!("token of the role {}", role.name())))
        };
        if token.len() < SHORTEST {
            return refuse("shorter than 16 characters", "make one: openssl rand -hex 32");
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return refuse("characters that a header cannot carry", "use letters, digits and punctuation");
        }
        if self.0.iter().any(|(other, t)| *other != role && t == token) {
            return refuse("the token of another role too", "give each role one of its own");
        }
        self.0.push((role, token.to_owned()));
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `token` may do. Every token is compared, whatever the first ones said.
    pub fn judge(&self, token: &[u8], asked: Role) -> Verdict {
        let mut known = false;
        let mut granted = false;
        for (role, ours) in &self.0 {
            let same = bool::from(ours.as_bytes().ct_eq(token));
            known |= same;
            granted |= same & role.grants(asked);
        }
        match (granted, known) {
            (true, _) => Verdict::Granted,
            (false, true) => Verdict::WrongRole,
            (false, false) => Verdict::Unknown,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(role, _)| (role.name(), "[REDACTED]"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_tokens_grant_their_role_and_nothing_else() {
        let mut tokens = Tokens::default();
        for role in Role::ALL {
            tokens.add(role, &format!(" {}-0123456789abcdef\n", role.name())).unwrap();
        }
        let judge = |name: &str, asked| tokens.judge(format!("{name}-0123456789abcdef").as_bytes(), asked);
        assert_eq!(judge("read", Role::Read), Verdict::Granted);
        assert_eq!(judge("read", Role::Ingest), Verdict::WrongRole);
        assert_eq!(judge("ingest", Role::Read), Verdict::WrongRole);
        assert_eq!(judge("operate", Role::Ingest), Verdict::Granted);
        assert_eq!(judge("reed", Role::Read), Verdict::Unknown);
        assert_eq!(tokens.judge(b"", Role::Read), Verdict::Unknown);
        assert_eq!(tokens.judge(b"read-0123456789abcde", Role::Read), Verdict::Unknown);
    }

    #[test]
    fn r28_tokens_are_not_shown() {
        let mut tokens = Tokens::default();
        tokens.add(Role::Read, "0123456789abcdef-secret").unwrap();
        assert_eq!(format!("{tokens:?}"), r#"{"read": "[REDACTED]"}"#);
        let refused = tokens.add(Role::Ingest, "secret").unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
        let refused = tokens.add(Role::Operate, "0123456789abcdef-secret").unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
