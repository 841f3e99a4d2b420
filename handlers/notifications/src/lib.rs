//! Tells customers that their parcels are on the way.

use tidegate::prelude::*;

/// Constructs the handler; `sender` in its settings is who the notices are from.
pub fn handler(settings: Settings) -> Result<impl Handler> {
    settings.parse::<Notifications>()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notifications {
    sender: String,
}

/// A parcel is on its way.
#[derive(Deserialize)]
struct Shipped {
    parcel: String,
    sku: String,
    quantity: u64,
}

/// The customer knows.
#[derive(Serialize)]
struct Notice {
    from: String,
    text: String,
}

impl Emit for Notice {
    const PORT: &'static str = "sent";
}

impl Handler for Notifications {
    type Input = Shipped;
    type State = ();
    type Output = Notice;

    async fn handle(&self, shipped: Shipped, _: &mut Context<()>) -> Result<Notice> {
        let Shipped { parcel, sku, quantity } = shipped;
        Ok(Notice {
            from: self.sender.clone(),
            text: format!("parcel {parcel} with {quantity} × {sku} is on its way"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate::testing::Lanes;

    use super::*;

    #[tokio::test]
    async fn a_notice_names_the_parcel() {
        let settings = Settings::from(json!({ "sender": "shop@example.com" }));
        let handler = handler(settings).expect("valid settings");
        let mut lanes =
            Lanes::new(handler).subject("shipments.{order}.shipped").emits("sent", "notices.{order}.sent");
        let shipped = json!({ "order": "42", "parcel": "42-3", "sku": "hat", "quantity": 2 });

        let outcome = lanes.send("shipments.42.shipped", &shipped).await;

        let text = "parcel 42-3 with 2 × hat is on its way";
        assert_eq!(outcome.emitted("sent"), [json!({ "from": "shop@example.com", "text": text })]);
        assert_eq!(outcome.subjects, ["notices.42.sent"]);
    }
}
