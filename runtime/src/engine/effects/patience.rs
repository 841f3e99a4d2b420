//! Waiting for a broker that does not take what we have. It costs no attempt: what is computed is kept and offered
//! again until it is stored.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::engine::crew::Crew;
use crate::engine::status::Blocked;

const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The process drains before the broker took what we have: the message is to be handed back.
#[derive(Debug)]
pub(in crate::engine) struct Interrupted;

/// Offers until the broker takes it, its error is final, or a drain begins while we wait. Meanwhile the entity counts
/// as blocked; `key` says which, `what` by what. The log names it when it begins and when it is over for all entities of the actor.
pub(in crate::engine) async fn until_taken<T, E, F>(
    crew: &Crew,
    key: &str,
    what: &'static str,
    is_final: impl Fn(&E) -> bool,
    offer: impl Fn() -> F,
) -> Result<Result<T, E>, Interrupted>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let mut blocked = None;
    let mut wait = SHORTEST_WAIT;
    loop {
        // An instance that was replaced while it was frozen must bring no more effects.
        if !crew.tenure.is_held() {
            crew.may_go_on().await?;
        }
        let error = match offer().await {
            Err(error) if !is_final(&error) => error,
            taken_or_final => {
                if blocked.is_some_and(|(block, _)| Blocked::was_last(block)) {
                    info!(actor = %crew.name, what, "entities go on");
                }
                return Ok(taken_or_final);
            }
        };
        if blocked.is_none() {
            let block = crew.status.block();
            if block.is_first() {
                warn!(actor = %crew.name, what, %error, "entity waits until the broker takes it");
            } else {
                debug!(actor = %crew.name, what, %error, "another entity waits until the broker takes it");
            }
            blocked = Some((block, crew.waits.begin(key, what, &error, None)));
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = crew.drain.begun() => return Err(Interrupted),
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
