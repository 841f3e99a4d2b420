//! Who is known: the hashes of bearer tokens in a file, read again when it changes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How soon a changed file is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// The largest file of tokens: some thousands of them.
const LARGEST: u64 = 1 << 20;

/// Who is not its owner or of its group may neither read nor write it.
const OTHERS: u32 = 0o007;

/// The tokens of a file.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    name: Arc<str>,
    hash: [u8; 32],
}

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It cannot be read.
    #[error("the tokens in `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Every user of the machine may read or change it.
    #[error("the tokens in `{}` are open to every user of this machine (mode {mode:03o})", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no file of tokens.
    #[error("line {line} of `{}` {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It has no tokens, so that nobody would be let in.
    #[error("there is no token in `{}`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl TokensError {
    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::Malformed { .. } | Self::Empty { .. } => {
                "write a line `name:sha256` for each token; `docs/ingress.md` tells how to make one"
                    .to_owned()
            }
            Self::OpenToOthers { path, .. } => {
                format!("`chmod o= {}`; on Kubernetes `defaultMode: 0440`", path.display())
            }
        }
    }
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, is open to all, or is no file of tokens.
    pub(crate) fn load(path: &Path) -> Result<Self, TokensError> {
        let unreadable = |source| TokensError::Unreadable { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        let mode = metadata.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(TokensError::OpenToOthers { path: path.to_owned(), mode });
        }
        if metadata.len() > LARGEST {
            return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
        }
        Self::parse(&fs::read_to_string(path).map_err(unreadable)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, TokensError> {
        let mut tokens: Vec<Token> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed =
                |problem| TokensError::Malformed { path: path.to_owned(), line: number + 1, problem };
            let token = token(line).map_err(malformed)?;
            tokens.push(token);
        }
        if tokens.is_empty() {
            return Err(TokensError::Empty { path: path.to_owned() });
        }
        Ok(Self(tokens))
    }

    /// The name of the token, if it is one of ours. Takes as long for one as for the other: all are compared.
    pub(crate) fn find(&self, token: &[u8]) -> Option<Arc<str>> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = u32::MAX;
        for (place, known) in (0..).zip(&self.0) {
            found.conditional_assign(&place, known.hash.ct_eq(&hash));
        }
        self.0.get(found as usize).map(|token| Arc::clone(&token.name))
    }
}

/// Keeps `tokens` as the file says until `stop`. A file that cannot be used is told once, and what was known stays; `whose`
/// is what the log calls them.
pub(crate) async fn follow(
    whose: &'static str,
    path: PathBuf,
    tokens: watch::Sender<Arc<Tokens>>,
    stop: CancellationToken,
) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let here = stamp(&path).await;
        if seen.as_ref() == Some(&here) {
            continue;
        }
        let is_first = seen.replace(here).is_none();
        let path = path.clone();
        match tokio::task::spawn_blocking(move || Tokens::load(&path)).await {
            Ok(Ok(fresh)) => {
                let count = fresh.0.len();
                tokens.send_replace(Arc::new(fresh));
                if !is_first {
                    info!(tokens = count, "the tokens of {whose} were read again");
                }
            }
            Ok(Err(error)) => {
                let cure = error.cure();
                error!(%error, %cure, "the tokens of {whose} stay as they were");
            }
            Err(error) => error!(%error, "the tokens of {whose} stay as they were"),
        }
    }
}

/// What differs when a file was written or replaced; also behind a symbolic link.
async fn stamp(path: &Path) -> Option<(u64, i64, i64, u64, u32)> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.mode()))
}

fn token(line: &str) -> Result<Token, &'static str> {
    let (name, digest) = line.split_once(':').ok_or("is not `name:sha256`")?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Err("has a name with other characters than letters, digits, `-`, `_` and `.`");
    }
    let hash = unhex(digest).ok_or("has no SHA-256 of 64 hexadecimal digits")?;
    Ok(Token { name: name.into(), hash })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `hunter2`.
    const HASH: &str = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";

    fn parse(text: &str) -> Result<Tokens, TokensError> {
        Tokens::parse(text, Path::new("ingress.tokens"))
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        let other = HASH.replace('f', "0");
        let tokens = parse(&format!("# who\n\nshop:{other}\nbilling:{HASH}\n")).expect("tokens");

        assert_eq!(tokens.find(b"hunter2").as_deref(), Some("billing"));
        for wrong in ["", "hunter", "hunter22", "Hunter2", HASH] {
            assert_eq!(tokens.find(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_by_line() {
        for line in
            ["hunter2", "a b:00", ":00", &format!("a:{HASH}0"), &HASH[1..], &format!("a:é{}", &HASH[2..])]
        {
            let error = parse(&format!("shop:{HASH}\n{line}")).expect_err("a bad line");
            assert!(error.to_string().starts_with("line 2 of `ingress.tokens` "), "{line}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(matches!(parse("# nobody\n"), Err(TokensError::Empty { .. })));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), format!("shop:{HASH}")).expect("a file");

        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("our own file");
        let open = Tokens::load(file.path());
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).expect("our own file");
        let closed = Tokens::load(file.path());

        assert!(matches!(open, Err(TokensError::OpenToOthers { mode: 0o644, .. })), "{open:?}");
        assert!(closed.is_ok(), "{closed:?}");
    }
}
