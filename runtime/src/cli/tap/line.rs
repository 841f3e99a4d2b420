//! A message that was tapped, for people.

use crate::cli::table::shown as safe;
use crate::message::Tapped;

/// One line, or two when messages were missed before.
pub(super) fn shown(tapped: &Tapped) -> String {
    let Tapped {
        instance, sequence, subject, key, attempt, outcome, ms, error, payload, bytes, missed, ..
    } = tapped;
    let at = humantime::format_rfc3339_millis(tapped.at).to_string();
    let time = at.split('T').nth(1).unwrap_or_default().trim_end_matches('Z');
    let took = ms.map_or("-".to_owned(), |ms| format!("{ms:.1}ms"));
    let why = error.as_ref().map(|error| format!("  error: {error}")).unwrap_or_default();
    let rest = if payload.len() < *bytes { format!("… {bytes} bytes") } else { String::new() };
    let outcome = outcome.as_str();
    let line = format!(
        "{time}  {outcome:<5}  {took:>9}  {subject}  #{sequence}  key {key}  attempt {attempt}  {instance}{why}  {payload}{rest}"
    );
    let line = safe(&line).replace('\n', " ");
    match missed {
        0 => line,
        missed => format!("({missed} messages came too fast to be shown)\n{line}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::message::TapOutcome;

    fn tapped() -> Tapped {
        Tapped {
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123),
            instance: "web-0".to_owned(),
            actor: "payments".to_owned(),
            stream: "ORDERS".to_owned(),
            sequence: 4711,
            subject: "orders.17.placed".to_owned(),
            key: "17".to_owned(),
            attempt: 2,
            outcome: TapOutcome::Retry,
            ms: Some(12.345),
            error: Some("no stock\u{1b}[2J".to_owned()),
            payload: "{\"id\":\n1}".to_owned(),
            bytes: 9,
            missed: 0,
        }
    }

    #[test]
    fn a_message_is_one_line_and_steers_no_terminal() {
        insta::assert_snapshot!(shown(&tapped()), @r#"08:00:00.123  retry     12.3ms  orders.17.placed  #4711  key 17  attempt 2  web-0  error: no stock\u{1b}[2J  {"id": 1}"#);
    }

    #[test]
    fn what_is_missing_is_said() {
        let dead =
            Tapped { outcome: TapOutcome::Dead, ms: None, error: None, bytes: 1000, missed: 7, ..tapped() };

        insta::assert_snapshot!(shown(&dead), @r#"
        (7 messages came too fast to be shown)
        08:00:00.123  dead           -  orders.17.placed  #4711  key 17  attempt 2  web-0  {"id": 1}… 1000 bytes
        "#);
    }
}
