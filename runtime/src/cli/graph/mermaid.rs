//! The picture as a Mermaid flowchart.

use std::fmt::{Arguments, Write};

use super::picture::{Edge, Kind, Picture};

/// What the kinds of nodes look like.
const CLASSES: [(Kind, &str); 5] = [
    (Kind::Ingress, "fill:#f3eefb,stroke:#7a5bb0,color:#1d2733"),
    (Kind::Stream, "fill:#e8f1fb,stroke:#4a7fb5,color:#1d2733"),
    (Kind::External, "fill:#e8f1fb,stroke:#4a7fb5,stroke-dasharray:5 4,color:#1d2733"),
    (Kind::Actor, "fill:#eef7ec,stroke:#5c9a4d,color:#1d2733"),
    (Kind::DeadLetters, "fill:#fbecea,stroke:#b5534a,color:#1d2733"),
];

/// The picture as text for Mermaid.
pub(super) fn draw(picture: &Picture) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart LR\n", picture.title);
    for (number, node) in picture.nodes.iter().enumerate() {
        let (open, close) = match node.kind {
            Kind::Actor => ("(", ")"),
            Kind::Ingress => ("{{", "}}"),
            Kind::Stream | Kind::External | Kind::DeadLetters => ("[(", ")]"),
        };
        put(&mut text, format_args!("    n{number}{open}\"{}\"{close}\n", lines(&node.lines)));
    }
    for edge in &picture.edges {
        put(&mut text, format_args!("    n{} {} n{}\n", edge.from, arrow(edge), edge.to));
    }
    for (kind, style) in CLASSES {
        let members: Vec<String> = (0..picture.nodes.len())
            .filter(|&number| picture.nodes[number].kind == kind)
            .map(|number| format!("n{number}"))
            .collect();
        if !members.is_empty() {
            let (members, class) = (members.join(","), kind.as_str());
            put(&mut text, format_args!("    classDef {class} {style}\n    class {members} {class}\n"));
        }
    }
    text
}

fn arrow(edge: &Edge) -> String {
    match (edge.is_dead, edge.label.is_empty()) {
        (true, _) => "-.->".to_owned(),
        (false, true) => "-->".to_owned(),
        (false, false) => format!("-->|\"{}\"|", lines(&edge.label)),
    }
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>")
}

/// What Mermaid would take for markup stands as the number of its character.
fn escaped(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            ' ' | '.' | '-' | '_' | '/' | ':' | '{' | '}' => escaped.push(character),
            _ if character.is_alphanumeric() => escaped.push(character),
            _ => put(&mut escaped, format_args!("#{};", u32::from(character))),
        }
    }
    escaped
}

fn put(text: &mut String, arguments: Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}
