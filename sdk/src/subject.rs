//! Subjects with named tokens, such as `orders.{order}.placed`.

mod error;
mod names;
mod pattern;

pub use error::SubjectError;
pub use names::TokenNames;
pub use pattern::{MAX_SUBJECT_LEN, Pattern, Token};
