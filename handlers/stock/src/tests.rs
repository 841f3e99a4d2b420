//! What happens at the shelf, driven as the runtime would.

use serde_json::json;
use tidegate::Settings;
use tidegate::testing::{Event, Lanes};

use super::Shelf;

fn lanes(on_shelf: u64) -> Lanes {
    let handler = super::handler(Settings::from(json!({ "on_shelf": on_shelf }))).expect("valid settings");
    Lanes::new(handler)
        .subject("payments.{order}.authorized")
        .emits("reserved", "stock.{order}.reserved")
        .emits("sold_out", "stock.{order}.sold_out")
}

fn authorized(order: u32, sku: &str, quantity: u64) -> Event {
    let line = json!({ "line": 1, "sku": sku, "quantity": quantity, "authorization": "a" });
    Event::json(format!("payments.{order}.authorized"), &line).key(sku)
}

#[tokio::test]
async fn the_lines_of_all_orders_share_the_shelf() {
    let mut lanes = lanes(5);
    lanes.deliver(authorized(1, "hat", 3)).await;

    let second = lanes.deliver(authorized(2, "hat", 3)).await;

    assert_eq!(second.emitted("reserved"), [json!({ "line": 1, "sku": "hat", "quantity": 2 })]);
    assert_eq!(second.emitted("sold_out"), [json!({ "line": 1, "sku": "hat", "missing": 1 })]);
    assert_eq!(second.subjects, ["stock.2.reserved", "stock.2.sold_out"]);
}

#[tokio::test]
async fn articles_do_not_share_a_shelf() {
    let mut lanes = lanes(5);
    lanes.deliver(authorized(1, "hat", 5)).await;

    let scarf = lanes.deliver(authorized(1, "scarf", 5)).await;

    assert!(scarf.emitted("sold_out").is_empty());
    assert_eq!(lanes.state::<Shelf>("scarf").reserved, 5);
}

#[tokio::test]
async fn nothing_is_reserved_twice() {
    let mut lanes = lanes(5);
    let first = lanes.deliver(authorized(1, "hat", 3)).await;

    let repeated = lanes.redeliver(first.sequence).await;

    assert_eq!(repeated.attempts, 0);
    assert_eq!(lanes.state::<Shelf>("hat").reserved, 3);
}
