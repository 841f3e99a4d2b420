//! What became of the lines of one request.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::http::{Code, Problem, json_response};

/// How many lines an answer tells of one by one.
const MOST_TOLD: usize = 100;

/// What became of the lines so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How many lines were looked at.
    pub(super) read: u64,
    stored: u64,
    duplicates: u64,
    failed: u64,
    told: Vec<(u64, Problem)>,
    /// Lines that were handed to the producer, with their sizes, in order.
    waiting: VecDeque<(u64, usize)>,
    /// What decides the status.
    worst: Option<Problem>,
    /// Why reading has ended before the body did.
    ended: bool,
}

/// What became of a line, and how many bytes it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Stored(usize),
    Refused(usize),
}

impl Settled {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Stored(bytes) | Self::Refused(bytes) => bytes,
        }
    }
}

impl Report {
    /// Notes a line that was handed to the producer.
    pub(super) fn under_way(&mut self, line: u64, size: usize) {
        self.waiting.push_back((line, size));
    }

    /// Notes what became of the line that has been under way longest; `Ok` tells whether it was a duplicate.
    pub(super) fn settle(&mut self, result: Result<bool, Problem>) -> Settled {
        let (line, size) = self.waiting.pop_front().expect("results are those of lines under way");
        match result {
            Ok(is_duplicate) => {
                self.stored += 1;
                self.duplicates += u64::from(is_duplicate);
                Settled::Stored(size)
            }
            Err(problem) => {
                self.ended |= problem.retry.is_some();
                self.refuse(line, problem);
                Settled::Refused(size)
            }
        }
    }

    /// Notes a line that is not stored.
    pub(super) fn refuse(&mut self, line: u64, problem: Problem) {
        self.failed += 1;
        self.weigh(&problem);
        if self.told.len() < MOST_TOLD {
            self.told.push((line, problem));
        }
    }

    /// Notes why the rest is not read.
    pub(super) fn end(&mut self, problem: &Problem) {
        self.ended = true;
        self.weigh(problem);
    }

    /// Whether nothing more is to be read.
    pub(super) fn is_ending(&self) -> bool {
        self.ended
    }

    /// The answer to the request.
    pub(super) fn answer(mut self) -> Result<Response<Body>, Problem> {
        let unknown = self.waiting.len();
        let waits =
            self.worst.as_ref().is_some_and(|worst| worst.code.status() == StatusCode::TOO_MANY_REQUESTS);
        // Those behind one that a full stream refused are most likely not stored; overload is no error of ours.
        if unknown > 0 && !waits {
            let detail = "some lines may be stored; with the same ids they are stored once";
            self.weigh(&Problem::new(Code::MayBeStored, detail).retry_after(Duration::from_secs(1)));
        }
        let Some(worst) = self.worst else {
            if self.stored == 0 {
                return Err(Problem::new(Code::NoEvents, "there is no line with an event"));
            }
            let stored = json!({ "stored": self.stored, "duplicates": self.duplicates });
            return Ok(json_response(StatusCode::ACCEPTED, "application/json", &stored));
        };
        self.told.sort_by_key(|(line, _)| *line);
        let results: Vec<Value> = self.told.iter().map(|(line, problem)| result(*line, problem)).collect();
        Ok(worst.respond_with(json!({
            "read": self.read,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "failed": self.failed,
            "unknown": unknown,
            "results": results,
        })))
    }

    /// The status says whether it is worth while to try again, so what passes outweighs what stays.
    fn weigh(&mut self, problem: &Problem) {
        let weight = |problem: &Problem| match problem.code.status() {
            StatusCode::SERVICE_UNAVAILABLE => 3,
            StatusCode::TOO_MANY_REQUESTS => 2,
            StatusCode::REQUEST_TIMEOUT => 1,
            _ => 0,
        };
        if self.worst.as_ref().is_none_or(|worst| weight(worst) < weight(problem)) {
            self.worst = Some(problem.clone());
        }
    }
}

fn result(line: u64, problem: &Problem) -> Value {
    let mut result = serde_json::to_value(problem).expect("a problem is plain data");
    result["line"] = line.into();
    result["status"] = problem.code.status().as_u16().into();
    result
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn malformed() -> Problem {
        Problem::new(Code::Malformed, "no JSON")
    }

    fn overloaded() -> Problem {
        Problem::new(Code::Overloaded, "it lags").retry_after(Duration::from_secs(2))
    }

    async fn told(report: Report) -> (u16, Value) {
        let response = report.answer().unwrap_or_else(|problem| problem.respond());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn all_stored_is_accepted() {
        let mut report = Report::default();
        report.under_way(1, 10);
        report.under_way(2, 20);

        let settled = [report.settle(Ok(false)), report.settle(Ok(true))];

        assert_eq!(settled, [Settled::Stored(10), Settled::Stored(20)]);
        assert_eq!(told(report).await, (202, json!({ "stored": 2, "duplicates": 1 })));
    }

    #[tokio::test]
    async fn who_is_cut_off_does_not_know_what_is_stored() {
        let mut report = Report::default();
        report.under_way(1, 10);
        report.under_way(2, 10);
        report.settle(Ok(false));

        let (status, body) = told(report).await;

        assert_eq!((status, &body["stored"], &body["unknown"]), (503, &json!(1), &json!(1)));
    }

    #[tokio::test]
    async fn what_passes_outweighs_what_stays() {
        let mut report = Report { read: 4, ..Report::default() };
        report.under_way(1, 10);
        report.refuse(2, malformed());
        report.under_way(3, 10);
        report.under_way(4, 10);
        report.settle(Ok(false));
        report.settle(Err(overloaded()));

        assert!(report.is_ending());
        let (status, body) = told(report).await;

        assert_eq!((status, &body["code"]), (429, &json!("overloaded")));
        assert_eq!((&body["stored"], &body["failed"], &body["unknown"]), (&json!(1), &json!(2), &json!(1)));
        let lines: Vec<u64> = body["results"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|result| result["line"].as_u64())
            .collect();
        assert_eq!(lines, [2, 3]);
        assert_eq!(body["results"][1]["retry_after"], 2);
    }

    #[tokio::test]
    async fn one_bad_line_makes_the_request_bad_and_a_full_stream_makes_it_wait() {
        let mut bad = Report::default();
        bad.refuse(1, malformed());
        let mut both = Report::default();
        both.refuse(1, malformed());
        both.end(&overloaded());

        assert_eq!(told(bad).await.0, 400);
        assert_eq!(told(both).await.0, 429);
        assert_eq!(told(Report::default()).await.1["code"], "no_events");
    }

    #[tokio::test]
    async fn no_more_than_a_hundred_lines_are_told() {
        let mut report = Report::default();
        for line in 0..1000 {
            report.refuse(line, malformed());
        }

        let (_, body) = told(report).await;

        assert_eq!(body["failed"], 1000);
        assert_eq!(body["results"].as_array().map(Vec::len), Some(MOST_TOLD));
    }
}
