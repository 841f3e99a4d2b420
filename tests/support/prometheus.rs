//! What `/metrics` shows, read as strictly as the text format is defined.

use std::collections::{BTreeMap, BTreeSet};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One scrape: every series with its value.
#[derive(Debug, Clone)]
pub struct Scrape(Vec<Series>);

/// One series.
#[derive(Debug, Clone)]
pub struct Series {
    /// The name, such as `process_cpu_time_seconds_total`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// Sends `GET path` over HTTP/1.1; returns the head and the body of the answer.
pub async fn get(address: &str, path: &str) -> std::io::Result<(String, String)> {
    let mut connection = TcpStream::connect(address).await?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).await?;
    let mut reply = Vec::new();
    connection.read_to_end(&mut reply).await?;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    Ok((head.to_owned(), body.to_owned()))
}

impl Scrape {
    /// Scrapes `http://{address}/metrics`.
    ///
    /// # Panics
    /// When there is no answer, or one that a scraper would refuse.
    pub async fn of(address: &str) -> Self {
        let (head, body) = get(address, "/metrics").await.expect("the endpoint answers");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        Self::parse(&body)
    }

    /// Reads the text format.
    ///
    /// # Panics
    /// When it is malformed: a series of a family that was not announced, one that comes twice, a histogram that
    /// does not add up.
    pub fn parse(text: &str) -> Self {
        let (mut series, mut seen, mut kinds) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type has a name");
                assert!(kinds.insert(name, kind).is_none(), "`{name}` is announced twice");
            } else if !line.starts_with("# HELP ") {
                let read = Series::parse(line);
                assert!(kinds.keys().any(|family| read.belongs_to(family)), "not announced: {line}");
                assert!(seen.insert((read.name.clone(), read.labels.clone())), "twice: {line}");
                series.push(read);
            }
        }
        let scrape = Self(series);
        for (name, _) in kinds.iter().filter(|(_, kind)| **kind == "histogram") {
            scrape.check_histogram(name);
        }
        scrape
    }

    /// The sum of all series of that name with these labels, and perhaps more; `None` when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found: Vec<f64> = self.all(name, labels).map(|series| series.value).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// All series of that name with these labels, and perhaps more.
    pub fn all<'s>(
        &'s self,
        name: &'s str,
        labels: &'s [(&'s str, &'s str)],
    ) -> impl Iterator<Item = &'s Series> {
        let has = move |series: &&Series| {
            let has =
                |(label, value): &(&str, &str)| series.labels.get(*label).is_some_and(|known| known == value);
            series.name == name && labels.iter().all(has)
        };
        self.0.iter().filter(has)
    }

    fn check_histogram(&self, name: &str) {
        for count in self.all(&format!("{name}_count"), &[]) {
            let labels: Vec<(&str, &str)> =
                count.labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
            let same = |series: &&Series| series.labels.len() == labels.len() + 1;
            let bucket = format!("{name}_bucket");
            let buckets: Vec<&Series> = self.all(&bucket, &labels).filter(same).collect();
            assert!(buckets.is_sorted_by(|left, right| left.value <= right.value), "{buckets:?}");
            let last = buckets.last().expect("a histogram has buckets");
            assert_eq!((last.labels["le"].as_str(), last.value), ("+Inf", count.value), "`{name}`");
        }
    }
}

impl Series {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value after a space");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
            None => (series, ""),
        };
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(is_name(name) && !name.is_empty(), "{line}");
        let labels = labels.split_terminator("\",").map(|label| {
            let (label, value) = label.split_once("=\"").expect("a label has a value");
            assert!(is_name(label), "{line}");
            (label.to_owned(), value.trim_end_matches('"').to_owned())
        });
        let value = value.parse().expect("a number");
        Self { name: name.to_owned(), labels: labels.collect(), value }
    }

    fn belongs_to(&self, family: &str) -> bool {
        let rest = self.name.strip_prefix(family);
        rest.is_some_and(|rest| matches!(rest, "" | "_bucket" | "_sum" | "_count"))
    }
}
