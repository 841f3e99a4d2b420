//! Which entities stand out: those with the most to do, and those that wait. Read by whoever looks, kept off the metrics.

mod heat;
mod sketch;
mod waits;

pub use self::heat::HotEntity;
pub(crate) use self::heat::Thermometers;
pub use self::waits::WaitingEntity;
pub(crate) use self::waits::Waits;
