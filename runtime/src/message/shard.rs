//! How a stream with several shards marks the subjects of its messages with the shard they belong to.

/// What the server puts before the subject of a message: `{shard}.of.{shards}.`, or nothing in a stream with one shard.
///
/// Whoever handles a message never sees it. It names the number of shards, too, so that a consumer never takes a
/// message that was stored when the stream had another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardPrefix(Option<(u32, u32)>);

impl ShardPrefix {
    /// What the second token says.
    pub const OF: &str = "of";

    /// The prefix of `shard`, counted from 0, among `shards`.
    pub fn of(shard: u32, shards: u32) -> Self {
        Self((shards > 1).then_some((shard, shards)))
    }

    /// The subject, or filter of subjects, as the stream has it.
    pub fn before(self, subject: &str) -> String {
        match self.0 {
            Some((shard, shards)) => format!("{shard}.{}.{shards}.{subject}", Self::OF),
            None => subject.to_owned(),
        }
    }

    /// The subject as it was published. One that does not belong to this shard stays as it is.
    pub fn strip(self, subject: &str) -> &str {
        match self.0 {
            Some((shard, shards)) => original(subject, shard, shards).unwrap_or(subject),
            None => subject,
        }
    }
}

fn original(subject: &str, shard: u32, shards: u32) -> Option<&str> {
    let mut tokens = subject.splitn(4, '.');
    let is_ours = tokens.next()?.parse() == Ok(shard)
        && tokens.next()? == ShardPrefix::OF
        && tokens.next()?.parse() == Ok(shards);
    tokens.next().filter(|_| is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_before_a_subject_is_stripped_again() {
        let prefix = ShardPrefix::of(2, 4);

        assert_eq!(prefix.before("orders.7.placed"), "2.of.4.orders.7.placed");
        assert_eq!(prefix.strip("2.of.4.orders.7.placed"), "orders.7.placed");
    }

    #[test]
    fn subjects_of_other_shards_stay_as_they_are() {
        let prefix = ShardPrefix::of(2, 4);

        for subject in ["3.of.4.orders.7", "2.of.8.orders.7", "2.by.4.orders.7", "orders.7.placed", "2.of.4"]
        {
            assert_eq!(prefix.strip(subject), subject);
        }
    }

    #[test]
    fn a_stream_with_one_shard_has_no_prefix() {
        let prefix = ShardPrefix::of(0, 1);

        assert_eq!(prefix.before("orders.7.placed"), "orders.7.placed");
        assert_eq!(prefix.strip("0.of.1.orders.7"), "0.of.1.orders.7");
    }
}
