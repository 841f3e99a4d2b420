//! What a handler crate needs: `use tidegate::prelude::*;`.

pub use serde::{Deserialize, Serialize};

pub use crate::blocking::blocking;
pub use crate::codec;
pub use crate::{
    Bytes, CodecError, Context, Decision, Emit, Handler, HandlerError, IntoEmits, MsgPack, Outgoing, Raw,
    Result, ResultExt, Settings, handler_fn, handler_fn_with_context,
};
