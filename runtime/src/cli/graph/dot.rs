//! The picture in Graphviz's language.

use std::fmt::{Arguments, Write};

use super::picture::{Edge, Kind, Picture};

/// The picture as text for `dot`.
pub(super) fn draw(picture: &Picture) -> String {
    let mut text = format!("digraph {} {{\n", quoted(std::slice::from_ref(&picture.title)));
    text.push_str("    rankdir=LR;\n    node [fontname=\"sans-serif\", fontsize=11, style=filled];\n");
    text.push_str("    edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (number, node) in picture.nodes.iter().enumerate() {
        put(&mut text, format_args!("    n{number} [label={}, {}];\n", quoted(&node.lines), look(node.kind)));
    }
    for edge in &picture.edges {
        let Edge { from, to, label, is_dead } = edge;
        let look = if *is_dead { ", style=dashed, color=\"#b5534a\"" } else { "" };
        put(&mut text, format_args!("    n{from} -> n{to} [label={}{look}];\n", quoted(label)));
    }
    text.push_str("}\n");
    text
}

fn look(kind: Kind) -> &'static str {
    match kind {
        Kind::Ingress => "shape=hexagon, fillcolor=\"#f3eefb\", color=\"#7a5bb0\"",
        Kind::Stream => "shape=cylinder, fillcolor=\"#e8f1fb\", color=\"#4a7fb5\"",
        Kind::External => "shape=cylinder, style=\"filled,dashed\", fillcolor=\"#e8f1fb\", color=\"#4a7fb5\"",
        Kind::Actor => "shape=box, style=\"filled,rounded\", fillcolor=\"#eef7ec\", color=\"#5c9a4d\"",
        Kind::DeadLetters => "shape=cylinder, fillcolor=\"#fbecea\", color=\"#b5534a\"",
    }
}

/// A string of the language, in which lines are centred.
fn quoted(lines: &[String]) -> String {
    let escape = |line: &String| line.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", lines.iter().map(escape).collect::<Vec<_>>().join("\\n"))
}

fn put(text: &mut String, arguments: Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}
