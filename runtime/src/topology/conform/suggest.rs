//! Finds what somebody may have meant.

/// The candidate that is most like `name`, if one is near enough to be what was meant.
pub(in crate::topology) fn closest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    const NEAR: f64 = 0.8;
    let lowercase = name.to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&lowercase, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// The names in backticks, separated by commas.
pub(in crate::topology) fn listed(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_errors_but_does_not_guess() {
        let keys = ["mailbox", "max_bytes", "max_age", "backoff"];

        assert_eq!(closest("mailbxo", keys.into_iter()), Some("mailbox"));
        assert_eq!(closest("maxbytes", keys.into_iter()), Some("max_bytes"));
        assert_eq!(closest("BackOff", keys.into_iter()), Some("backoff"));
        assert_eq!(closest("shards", keys.into_iter()), None);
    }
}
