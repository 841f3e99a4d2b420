//! Reserves what was paid for, as long as there is some on the shelf.
//!
//! The entity is the article, not the order, so the lines of many orders meet in one state.

#[cfg(test)]
mod tests;

use tidegate::prelude::*;

/// Constructs the handler; `on_shelf` in its settings is how many there are of each article.
pub fn handler(settings: Settings) -> Result<impl Handler> {
    settings.parse::<Stock>()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stock {
    on_shelf: u64,
}

/// What is kept of an article.
#[derive(Default, Serialize, Deserialize)]
struct Shelf {
    reserved: u64,
}

/// A line that is paid for.
#[derive(Deserialize)]
struct Authorized {
    line: u32,
    sku: String,
    quantity: u64,
}

/// So many are set aside for the line.
#[derive(Serialize)]
struct Reserved {
    line: u32,
    sku: String,
    quantity: u64,
}

impl Emit for Reserved {
    const PORT: &'static str = "reserved";
}

/// So many are missing for the line.
#[derive(Serialize)]
struct SoldOut {
    line: u32,
    sku: String,
    missing: u64,
}

impl Emit for SoldOut {
    const PORT: &'static str = "sold_out";
}

impl Handler for Stock {
    type Input = Authorized;
    type State = Shelf;
    type Output = (Option<Reserved>, Option<SoldOut>);

    async fn handle(&self, authorized: Authorized, cx: &mut Context<Shelf>) -> Result<Self::Output> {
        let Authorized { line, sku, quantity } = authorized;
        let left = self.on_shelf.saturating_sub(cx.state.reserved);
        let taken = quantity.min(left);
        let missing = quantity - taken;
        cx.state.reserved += taken;

        let reserved = Reserved { line, sku: sku.clone(), quantity: taken };
        let sold_out = SoldOut { line, sku, missing };
        Ok(((taken > 0).then_some(reserved), (missing > 0).then_some(sold_out)))
    }
}
