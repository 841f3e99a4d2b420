//! What the pictures of a topology show.

use proptest::prelude::*;

use super::picture::{Edge, Kind, Node, Picture};
use super::{dot, mermaid, svg};
use crate::topology::{load, parse};

const TOPOLOGY: &str = r#"
name = "shop"

[handlers]
h = "1"

[ingress.routes.order]
path = "/orders/{order}"
subject = "orders.{order}.placed"

[streams.ORDERS]
subjects = ["orders.{order}.*"]
shards = 2
max_bytes = "1GiB"

[streams.LEGACY]
external = true
subjects = ["old.#<\"&\\.>"]

[actors.payments]
handler = "h"
stream = "ORDERS"
subjects = ["orders.{order}.placed"]
emits = { paid = "orders.{order}.paid", odd = "old.#<\"&\\.x" }

[actors.audit]
handler = "h"
stream = "ORDERS"
subjects = ["orders.{order}.paid", "orders.{order}.placed"]
order = "none"
"#;

/// The example of the repository, and its picture in the docs.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.toml");
const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/topology.svg");

fn picture() -> Picture {
    Picture::of(&parse("topology.toml", TOPOLOGY, &|_| None).expect("a valid topology").topology)
}

#[test]
fn mermaid_shows_streams_actors_and_what_goes_between_them() {
    insta::assert_snapshot!(mermaid::draw(&picture()), @r#"
    ---
    title: shop
    ---
    flowchart LR
        n0{{"HTTP ingress<br/>127.0.0.1:8080"}}
        n1[("LEGACY<br/>old.#35;#60;#34;#38;#92;.#62;<br/>external")]
        n2[("ORDERS<br/>orders.{order}.#42;<br/>2 shards")]
        n3("audit<br/>handler h<br/>in no order")
        n4("payments<br/>handler h<br/>in order by {order}")
        n5[("shop-dead-letters<br/>dead letters")]
        n0 -->|"/orders/{order}"| n2
        n2 -->|"orders.{order}.paid<br/>orders.{order}.placed"| n3
        n2 -->|"orders.{order}.placed"| n4
        n4 -->|"odd"| n1
        n4 -->|"paid"| n2
        n3 -.-> n5
        n4 -.-> n5
        classDef ingress fill:#f3eefb,stroke:#7a5bb0,color:#1d2733
        class n0 ingress
        classDef stream fill:#e8f1fb,stroke:#4a7fb5,color:#1d2733
        class n2 stream
        classDef external fill:#e8f1fb,stroke:#4a7fb5,stroke-dasharray:5 4,color:#1d2733
        class n1 external
        classDef actor fill:#eef7ec,stroke:#5c9a4d,color:#1d2733
        class n3,n4 actor
        classDef dead fill:#fbecea,stroke:#b5534a,color:#1d2733
        class n5 dead
    "#);
}

#[test]
fn dot_shows_the_same() {
    insta::assert_snapshot!(dot::draw(&picture()), @r##"
    digraph "shop" {
        rankdir=LR;
        node [fontname="sans-serif", fontsize=11, style=filled];
        edge [fontname="sans-serif", fontsize=9];
        n0 [label="HTTP ingress\n127.0.0.1:8080", shape=hexagon, fillcolor="#f3eefb", color="#7a5bb0"];
        n1 [label="LEGACY\nold.#<\"&\\.>\nexternal", shape=cylinder, style="filled,dashed", fillcolor="#e8f1fb", color="#4a7fb5"];
        n2 [label="ORDERS\norders.{order}.*\n2 shards", shape=cylinder, fillcolor="#e8f1fb", color="#4a7fb5"];
        n3 [label="audit\nhandler h\nin no order", shape=box, style="filled,rounded", fillcolor="#eef7ec", color="#5c9a4d"];
        n4 [label="payments\nhandler h\nin order by {order}", shape=box, style="filled,rounded", fillcolor="#eef7ec", color="#5c9a4d"];
        n5 [label="shop-dead-letters\ndead letters", shape=cylinder, fillcolor="#fbecea", color="#b5534a"];
        n0 -> n2 [label="/orders/{order}"];
        n2 -> n3 [label="orders.{order}.paid\norders.{order}.placed"];
        n2 -> n4 [label="orders.{order}.placed"];
        n4 -> n1 [label="odd"];
        n4 -> n2 [label="paid"];
        n3 -> n5 [label="", style=dashed, color="#b5534a"];
        n4 -> n5 [label="", style=dashed, color="#b5534a"];
    }
    "##);
}

#[test]
fn svg_has_every_text_and_no_markup_of_theirs() {
    let drawn = svg::draw(&picture());

    for text in ["shop", "ORDERS", "2 shards", "orders.{order}.paid", "in no order", "shop-dead-letters"] {
        assert!(drawn.contains(&format!(">{text}</")), "no `{text}` in {drawn}");
    }
    assert!(drawn.contains("old.#&lt;&quot;&amp;\\.&gt;"), "{drawn}");
    assert_eq!(drawn.matches("<path class=\"lost\"").count(), 2, "{drawn}");
    assert_eq!(drawn, svg::draw(&picture()));
}

#[test]
fn the_picture_in_the_docs_is_current() {
    let example = load(std::path::Path::new(EXAMPLE), &|_| None).expect("the example is valid").topology;
    let drawn = svg::draw(&Picture::of(&example));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PUBLISHED, &drawn).expect("docs/ can be written");
    }

    let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();

    assert!(published == drawn, "docs/topology.svg is out of date: run this test with UPDATE=1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_connected_can_be_drawn(
        nodes in 1_usize..9,
        edges in proptest::collection::btree_set((0_usize..9, 0_usize..9), 0..20),
        labels in proptest::collection::vec(0_usize..3, 20),
    ) {
        let node = |_| Node { kind: Kind::Actor, lines: vec!["a node".to_owned()] };
        let edges: Vec<Edge> = edges
            .into_iter()
            .zip(labels)
            .filter(|&((from, to), _)| from != to && from < nodes && to < nodes)
            .map(|((from, to), lines)| Edge { from, to, label: vec!["label".to_owned(); lines], is_dead: false })
            .collect();
        let picture = Picture { title: String::new(), nodes: (0..nodes).map(node).collect(), edges };

        let drawn = svg::draw(&picture);

        prop_assert_eq!(drawn.matches("class=\"name\"").count(), nodes);
        prop_assert_eq!(drawn.matches("<path class=\"way\"").count(), picture.edges.len());
        prop_assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{}", drawn);
    }
}
