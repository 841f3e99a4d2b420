//! Answers to requests that are not granted: problem details (RFC 9457).

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What the body of such an answer is.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request, or one line of it, is not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// What kind of problem it is.
    pub(crate) code: Code,
    /// What is wrong in this case.
    pub(crate) detail: String,
    /// Which part of the event is wrong: a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// When another try may succeed.
    #[serde(rename = "retry_after", skip_serializing_if = "Option::is_none", serialize_with = "seconds")]
    pub(crate) retry: Option<Duration>,
}

/// The kinds of problems, as `code` in the body; each has one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    Malformed,
    BadField,
    BadId,
    NoEvents,
    Unauthenticated,
    FromWebPage,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Timeout,
    TooLarge,
    UnsupportedContent,
    TooManyRequests,
    Overloaded,
    Unavailable,
    MayBeStored,
    Stopping,
}

impl Code {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::BadField | Self::BadId | Self::NoEvents => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::FromWebPage | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedContent => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests | Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::MayBeStored | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), pointer: None, retry: None }
    }

    /// Says which part of the event is wrong.
    pub(crate) fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    /// Says when another try may succeed.
    pub(crate) fn retry_after(self, retry: Duration) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// The answer.
    pub(crate) fn respond(&self) -> Response<Body> {
        self.respond_with(Value::Null)
    }

    /// The answer, with more members.
    pub(crate) fn respond_with(&self, more: Value) -> Response<Body> {
        let status = self.code.status();
        let mut body = json!({ "title": status.canonical_reason(), "status": status.as_u16() });
        merge(&mut body, serde_json::to_value(self).expect("a problem is plain data"));
        merge(&mut body, more);
        let mut response = json_response(status, CONTENT_TYPE, &body);
        let headers = response.headers_mut();
        if let Some(retry) = self.retry {
            let seconds = whole_seconds(retry).to_string();
            headers.insert(header::RETRY_AFTER, seconds.parse().expect("digits can be sent"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.code == Code::Timeout || self.code == Code::Stopping {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// An answer with a JSON body.
pub(crate) fn json_response(status: StatusCode, content_type: &'static str, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// At least 1: a `Retry-After` of 0 invites at once what was refused.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn seconds<S: Serializer>(retry: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match retry {
        Some(retry) => serializer.serialize_u64(whole_seconds(*retry)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_when_to_come_back_in_whole_seconds() {
        let seconds = [0, 1, 999, 1000, 1001].map(|millis| whole_seconds(Duration::from_millis(millis)));

        assert_eq!(seconds, [1, 1, 1, 1, 2]);
        let problem =
            Problem::new(Code::Overloaded, "`payments` lags").retry_after(Duration::from_millis(1500));
        let response = problem.respond();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
    }

    #[test]
    fn only_who_is_not_known_is_asked_for_a_token() {
        let asked = |code| Problem::new(code, "").respond().headers().contains_key(header::WWW_AUTHENTICATE);

        assert!(asked(Code::Unauthenticated));
        assert!(!asked(Code::FromWebPage) && !asked(Code::NotFound));
    }
}
