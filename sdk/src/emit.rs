//! What handlers emit, and how it becomes messages.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use crate::Headers;
use crate::codec::{self, CodecError};

/// A value that handlers can emit through a port.
///
/// The topology maps the port to a subject, so a handler knows no subject: with
/// `emits = { authorized = "payments.{order}.authorized" }` the port `authorized` publishes there, and `{order}`
/// takes its value from the input's subject.
///
/// ```
/// use tidegate::prelude::*;
///
/// #[derive(Serialize)]
/// struct Authorized { amount: u64 }
///
/// impl Emit for Authorized {
///     const PORT: &'static str = "authorized";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted",
    label = "no port to emit it through",
    note = "name its port: `impl Emit for {Self} {{ const PORT: &'static str = \"…\"; }}`"
)]
pub trait Emit: Serialize {
    /// The port, as the topology's `emits` names it.
    const PORT: &'static str;

    /// Values for tokens of the port's subject that the input's subject does not name.
    fn tokens(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The payload: JSON, unless overridden, as with [`codec::msgpack`].
    fn payload(&self) -> Result<Bytes, CodecError> {
        codec::json(self)
    }
}

/// An emit, encoded.
///
/// Handlers build one by hand to pass a payload on as it is, to choose the port at run time, or to add headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The port, as the topology's `emits` names it.
    pub port: Cow<'static, str>,
    /// Values for tokens of the port's subject; they go before those of the input's subject.
    pub tokens: Vec<(Cow<'static, str>, String)>,
    /// Headers to publish it with, besides those the runtime adds.
    pub headers: Headers,
    /// What to publish.
    pub payload: Bytes,
}

impl Outgoing {
    /// A payload to publish through a port.
    pub fn new(port: impl Into<Cow<'static, str>>, payload: impl Into<Bytes>) -> Self {
        Self { port: port.into(), tokens: Vec::new(), headers: Headers::new(), payload: payload.into() }
    }

    /// Encodes an emit, as returning it from a handler does.
    pub fn encode<E: Emit>(emit: &E) -> Result<Self, CodecError> {
        let mut outgoing = Self::new(E::PORT, emit.payload()?);
        outgoing.tokens = emit.tokens().into_iter().map(|(name, value)| (name.into(), value)).collect();
        Ok(outgoing)
    }

    /// Gives a token of the port's subject its value.
    #[must_use]
    pub fn token(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.tokens.push((name.into(), value.into()));
        self
    }

    /// The value that a token of the port's subject was given.
    pub fn token_value(&self, name: &str) -> Option<&str> {
        self.tokens.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.append(name, value);
        self
    }
}

/// What handlers may return: nothing, an [`Emit`], an [`Outgoing`], or an `Option`, `Vec` or tuple of them.
///
/// They are published in order. An enum of several emits implements it by hand.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`: it is not something to emit",
    label = "not an emit",
    note = "return `()` to emit nothing, or a type with `impl Emit`, or an `Option`, `Vec` or tuple of such types",
    note = "a type becomes an emit by `#[derive(Serialize)]` and `impl Emit for … {{ const PORT: &'static str = \"…\"; }}`"
)]
pub trait IntoEmits {
    /// Encodes what is to be published, in order.
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError>;
}

#[diagnostic::do_not_recommend]
impl<E: Emit> IntoEmits for E {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        Ok(vec![Outgoing::encode(&self)?])
    }
}

impl IntoEmits for () {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        Ok(Vec::new())
    }
}

impl IntoEmits for Outgoing {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        Ok(vec![self])
    }
}

impl<T: IntoEmits> IntoEmits for Option<T> {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        self.map_or_else(|| Ok(Vec::new()), T::into_emits)
    }
}

impl<T: IntoEmits> IntoEmits for Vec<T> {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        let mut emits = Vec::with_capacity(self.len());
        for each in self {
            emits.append(&mut each.into_emits()?);
        }
        Ok(emits)
    }
}

macro_rules! tuples_emit_their_parts {
    ($($part:ident)+) => {
        impl<$($part: IntoEmits),+> IntoEmits for ($($part,)+) {
            fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
                #[expect(non_snake_case, reason = "the parts are named after their types")]
                let ($($part,)+) = self;
                let mut emits = Vec::new();
                $(emits.append(&mut $part.into_emits()?);)+
                Ok(emits)
            }
        }
    };
}

tuples_emit_their_parts!(A);
tuples_emit_their_parts!(A B);
tuples_emit_their_parts!(A B C);
tuples_emit_their_parts!(A B C D);
tuples_emit_their_parts!(A B C D E);
tuples_emit_their_parts!(A B C D E F);
tuples_emit_their_parts!(A B C D E F G);
tuples_emit_their_parts!(A B C D E F G H);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Reserved {
        sku: &'static str,
    }

    impl Emit for Reserved {
        const PORT: &'static str = "reserved";

        fn tokens(&self) -> Vec<(&'static str, String)> {
            vec![("sku", self.sku.to_owned())]
        }
    }

    fn ports(output: impl IntoEmits) -> Vec<String> {
        let emits = output.into_emits().expect("emits that can be encoded");
        emits.into_iter().map(|emit| emit.port.into_owned()).collect()
    }

    #[test]
    fn every_shape_of_output_emits_its_parts_in_order() {
        let reserved = || Reserved { sku: "hat" };
        let by_hand = || Outgoing::new("raw", "as it is");

        assert_eq!(ports(()), [""; 0]);
        assert_eq!(ports(reserved()), ["reserved"]);
        assert_eq!(ports(None::<Reserved>), [""; 0]);
        assert_eq!(ports(vec![Some(reserved()), None, Some(reserved())]), ["reserved", "reserved"]);
        assert_eq!(ports((by_hand(), Some(reserved()), vec![by_hand()], ())), ["raw", "reserved", "raw"]);
    }

    #[test]
    fn encoding_takes_the_tokens_along() {
        let outgoing = Outgoing::encode(&Reserved { sku: "hat" }).expect("an emit that can be encoded");

        assert_eq!(outgoing, Outgoing::new("reserved", r#"{"sku":"hat"}"#).token("sku", "hat"));
        assert_eq!(outgoing.token_value("sku"), Some("hat"));
        assert_eq!(outgoing.token_value("order"), None);
    }
}
