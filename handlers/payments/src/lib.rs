//! Authorizes the lines of orders at a payment gateway.
//!
//! A declined payment is an outcome like any other. A gateway that does not answer is an error: the runtime tries the
//! line again, and the order's next lines wait behind it.

mod gateway;
#[cfg(test)]
mod tests;
mod trouble;

use tidegate::prelude::*;

use gateway::{Answer, Charge, Gateway};
use trouble::Trouble;

/// Constructs the handler; its settings are those of the gateway.
pub fn handler(settings: Settings) -> Result<impl Handler> {
    let gateway = settings.parse::<Gateway>()?;
    Ok(Payments { gateway })
}

struct Payments {
    gateway: Gateway,
}

/// One line of an order, as it was placed.
#[derive(Deserialize)]
struct Placed {
    line: u32,
    sku: String,
    quantity: u32,
    cents: u64,
    trouble: Option<Trouble>,
}

/// The line is paid for.
#[derive(Serialize)]
struct Authorized {
    line: u32,
    sku: String,
    quantity: u32,
    cents: u64,
    authorization: String,
}

impl Emit for Authorized {
    const PORT: &'static str = "authorized";
}

/// The line will not be paid for.
#[derive(Serialize)]
struct Declined {
    line: u32,
    cents: u64,
    reason: &'static str,
}

impl Emit for Declined {
    const PORT: &'static str = "declined";
}

enum Verdict {
    Authorized(Authorized),
    Declined(Declined),
}

impl IntoEmits for Verdict {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        match self {
            Self::Authorized(authorized) => authorized.into_emits(),
            Self::Declined(declined) => declined.into_emits(),
        }
    }
}

impl Handler for Payments {
    type Input = Placed;
    type State = ();
    type Output = Verdict;

    async fn handle(&self, placed: Placed, cx: &mut Context<()>) -> Result<Verdict> {
        let Placed { line, sku, quantity, cents, trouble } = placed;
        if quantity == 0 {
            return Err(HandlerError::terminal("a line without a quantity cannot be charged"));
        }
        if let Some(trouble) = trouble {
            trouble.strike(cx.attempt()).await?;
        }
        // The line may be charged twice, after a crash, say: by its key the gateway knows that it is the same charge.
        let key = format!("{}:{}", cx.stream(), cx.sequence());
        let charge = Charge { key, attempt: cx.attempt(), cents };
        let answer = self.gateway.charge(&charge).await;
        Ok(match answer.context(format_args!("charging {cents} cents"))? {
            Answer::Declined(reason) => Verdict::Declined(Declined { line, cents, reason }),
            Answer::Authorized(authorization) => {
                Verdict::Authorized(Authorized { line, sku, quantity, cents, authorization })
            }
        })
    }
}
