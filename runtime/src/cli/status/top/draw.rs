//! Puts the scene on the screen.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row, Table, TableState, Wrap};

use super::scene::{self, Scene};
use crate::cli::status::age;
use crate::cli::table::shown;
use crate::planted::{Bug, strikes};

/// What stands where nothing is known.
const NOTHING: &str = "-";

const KEYS: &str = "↑↓ choose   ↵ its shards and entities   esc back   q quit";

/// Draws all of it.
pub(super) fn draw(scene: &Scene, frame: &mut Frame<'_>) {
    assert!(!strikes(Bug::DrawPanics), "as planted");
    let told: Vec<Line<'_>> = scene.told().iter().map(|line| Line::from(shown(line))).collect();
    let lines = u16::try_from(told.len()).unwrap_or(u16::MAX).saturating_mul(2).clamp(1, 10);
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
    let heading = [
        first,
        second,
        "STATE",
        "WAITING",
        "IN FLIGHT",
        "RUNNING",
        "LAG",
        "P99",
        "DONE",
        "DEAD",
        "WAITS",
        "HELD UP BY",
    ];
    let widths = [18, 14, 11, 7, 9, 7, 6, 7, 7, 6, 5, 13].map(Constraint::Length);
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
        row.p99.map_or(NOTHING.to_owned(), brief),
        rate(row.done),
        rate(row.dead),
        count(row.waits),
        row.held_up_by.as_deref().map_or(NOTHING.to_owned(), shown),
    ])
}

/// An attempt may be short.
fn brief(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1}ms", time.as_secs_f64() * 1000.0)
    } else {
        age::shown(time)
    }
}
