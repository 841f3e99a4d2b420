//! `tidegate graph`: draws the streams and actors of the topology, and what connects them.

mod dot;
mod mermaid;
mod picture;
mod svg;

use clap::{Args, ValueEnum};

use self::picture::Picture;
use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::output;

/// What `tidegate graph` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How it is drawn.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a topology is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For Markdown: GitHub and many others draw it.
    #[default]
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture, drawn by ourselves.
    Svg,
}

/// Draws the topology. Asks no server.
pub(super) fn graph(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let picture = Picture::of(&global.load()?.topology);
    output::text(&match arguments.format {
        Format::Mermaid => mermaid::draw(&picture),
        Format::Dot => dot::draw(&picture),
        Format::Svg => svg::draw(&picture),
    })?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
