//! Ships what was reserved.

use tidegate::prelude::*;

/// Constructs the handler.
pub fn handler(_: Settings) -> Result<impl Handler> {
    Ok(handler_fn_with_context(ship))
}

/// So many of an article are set aside for a line of an order.
#[derive(Deserialize)]
struct Reserved {
    line: u32,
    sku: String,
    quantity: u64,
}

/// A parcel is on its way.
#[derive(Serialize)]
struct Shipped {
    parcel: String,
    sku: String,
    quantity: u64,
}

impl Emit for Shipped {
    const PORT: &'static str = "shipped";
}

async fn ship(reserved: Reserved, cx: &mut Context<()>) -> Result<Shipped> {
    let Reserved { line, sku, quantity } = reserved;
    // The same parcel however often the reservation is handled, so that a carrier would recognise a repeat.
    let parcel = format!("{}-{line}", cx.key());
    Ok(Shipped { parcel, sku, quantity })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate::testing::Lanes;

    use super::*;

    #[tokio::test]
    async fn a_parcel_bears_order_and_line() {
        let handler = handler(Settings::default()).expect("it has no settings");
        let mut lanes = Lanes::new(handler)
            .subject("stock.{order}.reserved")
            .emits("shipped", "shipments.{order}.shipped");
        let reserved = json!({ "line": 3, "sku": "hat", "quantity": 2 });

        let outcome = lanes.send("stock.42.reserved", &reserved).await;

        let shipped = json!({ "parcel": "42-3", "sku": "hat", "quantity": 2 });
        assert_eq!(outcome.emitted("shipped"), [shipped]);
        assert_eq!(outcome.subjects, ["shipments.42.shipped"]);
    }
}
