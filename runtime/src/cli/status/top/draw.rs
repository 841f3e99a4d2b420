//! Puts the scene on the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row, Table, TableState, Wrap};

use super::scene::{self, Scene};
use crate::cli::status::age;
use crate::cli::table::shown;

/// What stands where nothing is known.
const NOTHING: &str = "-";

const KEYS: &str = "↑↓ choose   ↵ its shards   esc back   q quit";

/// Draws all of it.
pub(super) fn draw(scene: &Scene, frame: &mut Frame<'_>) {
    let findings = &scene.picture().findings;
    let lines = u16::try_from(findings.len()).unwrap_or(u16::MAX).saturating_mul(2).clamp(1, 10);
    let [head, table, below, keys] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(3),
        Constraint::Length(lines),
        Constraint::Length(1),
    ])
    .areas(frame.area());

    frame.render_widget(Paragraph::new(heading(scene)), head);
    let (rows, chosen) = scene.rows();
    let mut state = TableState::default().with_selected(chosen);
    frame.render_stateful_widget(listing(scene, &rows), table, &mut state);
    let told: Vec<Line<'_>> = match &scene.missed {
        Some(why) => vec![Line::from(format!("nothing can be seen: {}", shown(why)))],
        None if findings.is_empty() => vec![Line::from("nothing is wrong")],
        None => findings.iter().map(|finding| Line::from(format!("- {}", shown(finding)))).collect(),
    };
    frame.render_widget(Paragraph::new(told).wrap(Wrap { trim: false }), below);
    frame.render_widget(Paragraph::new(KEYS).style(Style::new().add_modifier(Modifier::DIM)), keys);
}

fn heading(scene: &Scene) -> String {
    let picture = scene.picture();
    let silent = picture.instances.iter().filter(|instance| instance.is_silent).count();
    let instances = picture.instances.len() - silent;
    let silent = if silent == 0 { String::new() } else { format!(", {silent} silent") };
    let inside = scene.inside().map(|actor| format!(" › {actor}")).unwrap_or_default();
    shown(&format!("{}{inside}: {instances} instances{silent}", picture.topology))
}

fn listing<'r>(scene: &Scene, rows: &'r [scene::Row]) -> Table<'r> {
    let (first, second) = match scene.inside() {
        Some(_) => ("SHARD", "OWNER"),
        None => ("ACTOR", "STREAM"),
    };
    let heading =
        [first, second, "STATE", "WAITING", "IN FLIGHT", "RUNNING", "LAG", "DONE", "DEAD", "HELD UP BY"];
    let widths = [20, 16, 13, 9, 9, 7, 8, 9, 7, 16].map(Constraint::Length);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Table::new(rows.iter().map(row), widths)
        .header(Row::new(heading).style(bold))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
}

fn row(row: &scene::Row) -> Row<'static> {
    let count = |number: Option<u64>| number.map_or(NOTHING.to_owned(), |number| number.to_string());
    let rate = |rate: Option<f64>| rate.map_or(NOTHING.to_owned(), |rate| format!("{rate:.0}/s"));
    Row::new([
        shown(&row.name),
        shown(&row.owner),
        row.state.clone(),
        count(row.waiting),
        count(row.unsettled),
        row.running.to_string(),
        row.lag.map_or(NOTHING.to_owned(), age::shown),
        rate(row.done),
        rate(row.dead),
        row.held_up_by.as_deref().map_or(NOTHING.to_owned(), shown),
    ])
}
