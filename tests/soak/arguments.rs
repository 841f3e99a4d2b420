//! What the soak is told on its command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const USAGE: &str = "\
tidegate-soak [--minutes N] [--seed S] [--broker KIND] [--instances N] [--rate MESSAGES] [--faults N]
              [--keep DIRECTORY]
tidegate-soak --check EVIDENCE
tidegate-soak --measure takeover|instances|producer|flow|flow-in-trouble|ingress

  --minutes    how long; the last round is finished (10)
  --seed       what the faults and messages are drawn from (random, and printed)
  --broker     single, cluster (of three servers), or both in turn (both)
  --instances  how many share the work (3)
  --rate       messages per second (400)
  --faults     faults in a round, after which everything is settled and judged (8)
  --keep       where the evidence of rounds with violations goes (target/soak)
  --check      judge such evidence again
  --measure    how long a shard stands still without its owner; what more instances add;
                what the producer crate costs; what becomes of a flood; the same while things break; the same over
                HTTP";

/// The command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) minutes: u64,
    pub(super) seed: u64,
    pub(super) broker: Brokers,
    pub(super) instances: usize,
    pub(super) rate: u32,
    pub(super) faults: usize,
    pub(super) keep: PathBuf,
    pub(super) work: Work,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Faults at random.
    Soak,
    /// The evidence in this file is judged again.
    Check(PathBuf),
    /// How long a shard stands still without its owner.
    Takeover,
    /// What more instances add.
    Instances,
    /// What the producer crate costs.
    Producer,
    /// What becomes of a producer with more to say than there is room for.
    Flow,
    /// The same while things break.
    FlowInTrouble,
    /// The same over HTTP.
    Ingress,
}

/// What is broken besides instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brokers {
    /// One server.
    Single,
    /// Three servers.
    Cluster,
    /// A round of the one, a round of the other.
    Both,
}

impl FromStr for Brokers {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "single" => Ok(Self::Single),
            "cluster" => Ok(Self::Cluster),
            "both" => Ok(Self::Both),
            _ => Err(format!("`--broker` takes `single`, `cluster` or `both`, not `{word}`")),
        }
    }
}

impl Arguments {
    /// Reads the command line; the error is for its writer.
    pub(super) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            minutes: 10,
            seed: any_seed(),
            broker: Brokers::Both,
            instances: 3,
            rate: 400,
            faults: 8,
            keep: PathBuf::from("target/soak"),
            work: Work::Soak,
        };
        let mut words = words.into_iter();
        while let Some(flag) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
            match flag.as_str() {
                "--minutes" => arguments.minutes = number(&flag, &value)?,
                "--seed" => arguments.seed = number(&flag, &value)?,
                "--broker" => arguments.broker = value.parse()?,
                "--instances" => arguments.instances = number::<usize>(&flag, &value)?.max(1),
                "--rate" => arguments.rate = number(&flag, &value)?,
                "--faults" => arguments.faults = number(&flag, &value)?,
                "--keep" => arguments.keep = value.into(),
                "--check" => arguments.work = Work::Check(value.into()),
                "--measure" => arguments.work = measurement(&value)?,
                _ => return Err(format!("there is no flag `{flag}`")),
            }
        }
        Ok(arguments)
    }
}

fn measurement(word: &str) -> Result<Work, String> {
    match word {
        "takeover" => Ok(Work::Takeover),
        "instances" => Ok(Work::Instances),
        "producer" => Ok(Work::Producer),
        "flow" => Ok(Work::Flow),
        "flow-in-trouble" => Ok(Work::FlowInTrouble),
        "ingress" => Ok(Work::Ingress),
        _ => Err(format!(
            "`--measure` takes `takeover`, `instances`, `producer`, `flow`, `flow-in-trouble` or `ingress`, not \
             `{word}`"
        )),
    }
}

fn number<N: FromStr>(flag: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("`{flag}` takes a number, not `{value}`"))
}

/// Short enough to be typed again.
fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) % 1_000_000
}

#[test]
fn flags_are_read_and_nonsense_is_refused() {
    let words = |text: &str| Arguments::parse(text.split_whitespace().map(str::to_owned));

    assert_eq!(words("--seed 7 --minutes 2").map(|it| (it.seed, it.minutes)), Ok((7, 2)));
    assert_eq!(words("--broker cluster").map(|it| it.broker), Ok(Brokers::Cluster));
    assert!(words("--broker one").is_err());
    assert_eq!(words("--measure takeover").map(|it| it.work), Ok(Work::Takeover));
    assert!(words("--measure speed").is_err());
    assert!(words("--seed").is_err());
    assert!(words("--seed x").is_err());
    assert!(words("--sead 7").is_err());
}
