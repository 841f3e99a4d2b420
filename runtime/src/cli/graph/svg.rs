//! The picture as SVG, in columns from left to right.

mod layout;

use std::fmt::{Arguments, Write};

use self::layout::{Layout, Place, Size, Way};
use super::picture::{Kind, Picture};

/// From one line of text to the next.
const LINE: f64 = 16.0;
/// The width of a character, about; in a label and in a node.
const NARROW: f64 = 6.2;
const WIDE: f64 = 7.2;
/// Between the text of a node and its edge, on both sides together.
const PADDING: f64 = 20.0;
/// The room around everything.
const MARGIN: f64 = 12.0;

/// What everything looks like. The background makes it readable on dark pages, too.
const STYLE: &str = "\
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1d2733; text-anchor: middle }
text.name { font-weight: 600 }
text.label { font-size: 11px; stroke: #fff; stroke-width: 4px; paint-order: stroke }
rect { stroke-width: 1.5 }
.stream, .external { fill: #e8f1fb; stroke: #4a7fb5 }
.external, path.lost { stroke-dasharray: 5 4 }
.actor { fill: #eef7ec; stroke: #5c9a4d }
.dead { fill: #fbecea; stroke: #b5534a }
.ingress { fill: #f3eefb; stroke: #7a5bb0 }
path.way, path.lost { fill: none; stroke-width: 1.5 }
path.way { stroke: #5b6672 }
path.lost { stroke: #b5534a }";

/// The picture as an SVG document.
pub(super) fn draw(picture: &Picture) -> String {
    let sizes: Vec<Size> = picture.nodes.iter().map(|node| size(&node.lines, WIDE, PADDING)).collect();
    let edges: Vec<(usize, usize, Size)> =
        picture.edges.iter().map(|edge| (edge.from, edge.to, size(&edge.label, NARROW, 0.0))).collect();
    let layout = Layout::of(&sizes, &edges);
    let mut document = String::new();
    open(&mut document, &picture.title, layout.size);
    for way in &layout.ways {
        draw_way(&mut document, way, picture.edges[way.edge].is_dead);
    }
    for (place, node) in layout.places.iter().zip(&picture.nodes) {
        draw_box(&mut document, *place, node.kind);
        let middle = (place.x + place.width / 2.0, place.y + place.height / 2.0);
        write_lines(&mut document, middle, &node.lines, " class=\"name\"", "");
    }
    for way in &layout.ways {
        let class = " class=\"label\"";
        write_lines(&mut document, way.label, &picture.edges[way.edge].label, class, class);
    }
    document.push_str("</svg>\n");
    document
}

fn size(lines: &[String], character: f64, padding: f64) -> Size {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Size { width: count(longest) * character + padding, height: count(lines.len()) * LINE + padding / 2.0 }
}

fn open(document: &mut String, title: &str, size: Size) {
    let (width, height) = (size.width + 2.0 * MARGIN, size.height + 2.0 * MARGIN);
    let view = format!("{:.0} {:.0} {width:.0} {height:.0}", -MARGIN, -MARGIN);
    put(
        document,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{view}\" \
             role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n",
            escaped(title)
        ),
    );
    for (id, colour) in [("way", "#5b6672"), ("lost", "#b5534a")] {
        put(
            document,
            format_args!(
                "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
                 orient=\"auto-start-reverse\"><path d=\"M0 0 10 5 0 10z\" fill=\"{colour}\"/></marker>\n"
            ),
        );
    }
    put(
        document,
        format_args!(
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#fff\"/>\n",
            -MARGIN, -MARGIN
        ),
    );
}

/// A curve that leaves and arrives level, from column to column.
fn draw_way(document: &mut String, way: &Way, is_dead: bool) {
    let (class, end) = (if is_dead { "lost" } else { "way" }, if way.is_back { "start" } else { "end" });
    put(document, format_args!("<path class=\"{class}\" marker-{end}=\"url(#{class})\" d=\""));
    for (number, (x, y)) in way.points.iter().enumerate() {
        match number.checked_sub(1).map(|before| way.points[before]) {
            None => put(document, format_args!("M{x:.1} {y:.1}")),
            Some((left, top)) => {
                let middle = f64::midpoint(left, *x);
                put(document, format_args!("C{middle:.1} {top:.1} {middle:.1} {y:.1} {x:.1} {y:.1}"));
            }
        }
    }
    document.push_str("\"/>\n");
}

fn draw_box(document: &mut String, place: Place, kind: Kind) {
    let round = if kind == Kind::Actor { 10 } else { 2 };
    let (class, Place { x, y, width, height }) = (kind.as_str(), place);
    put(
        document,
        format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round}\"/>\n"
        ),
    );
}

fn write_lines(document: &mut String, (x, y): (f64, f64), lines: &[String], first: &str, others: &str) {
    let height: f64 = lines.iter().map(|_| LINE).sum();
    // Text stands on its position and is not centred on it.
    let mut y = y - height / 2.0 + LINE * 0.75;
    for (number, line) in lines.iter().enumerate() {
        let class = if number == 0 { first } else { others };
        put(document, format_args!("<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escaped(line)));
        y += LINE;
    }
}

/// What XML would take for markup stands as its name; control characters, which it cannot have, as nothing.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

fn put(text: &mut String, arguments: Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}
