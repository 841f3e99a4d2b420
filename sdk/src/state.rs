//! What a handler may keep per entity.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// State of an entity: any type that has a default and can be stored as JSON. Nothing needs to implement it by hand.
///
/// `()` keeps no state, and costs nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an entity's state",
    label = "cannot be kept as state",
    note = "add `#[derive(Default, Serialize, Deserialize)]` to `{Self}`; it must own its fields and be `Send`",
    note = "a handler without state says `type State = ();`"
)]
pub trait EntityState: Default + Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<S: Default + Serialize + DeserializeOwned + Send + 'static> EntityState for S {}
