//! Texts in columns, safe to be shown on a terminal.

use std::fmt::Write;

/// The longest cell, in characters.
const WIDEST: usize = 80;

/// Rows of cells; the last column is not padded.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with a heading.
    pub(super) fn new(heading: [&str; COLUMNS]) -> Self {
        Self { rows: vec![heading.map(str::to_owned)] }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, cells: [&str; COLUMNS]) {
        self.rows.push(cells.map(|cell| shortened(&shown(cell).replace('\n', " "))));
    }

    /// The table as text.
    pub(super) fn render(&self) -> String {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                write!(line, "{cell:<width$}  ").expect("a string takes all that is written to it");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The text with its control characters escaped: what stands in a message must not steer the terminal.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["KEY", "ERROR"]);
        table.add(["größer", "a"]);
        table.add(["b", &"x".repeat(200)]);

        let text = table.render();

        assert!(text.starts_with("KEY     ERROR\ngrößer  a\nb       xxx"), "{text}");
        assert!(text.ends_with("x…\n"));
    }

    #[test]
    fn nothing_in_a_message_steers_the_terminal() {
        assert_eq!(shown("\u{1b}[2Ja\tb\u{9b}\nc"), "\\u{1b}[2Ja\\tb\\u{9b}\nc");
    }
}
