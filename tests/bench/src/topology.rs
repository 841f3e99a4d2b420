//! The topology that Tidegate runs in a case: defaults, but for what the case is about.

use crate::case::Shape;

/// The name of the actor. Its consumer is named after the topology and it.
pub(crate) const ACTOR: &str = "sum";

/// Writes it, for a stream that is there already, and for an output if something is emitted.
pub(crate) fn write(name: &str, shape: &Shape, stream: &str, output: &str) -> String {
    let Shape { handler, keys, .. } = shape;
    let mut text = format!("name = \"{name}\"\n\n[handlers]\n{handler} = {{ path = \".\" }}\n");
    text += &external(stream);
    let mut keys = keys.clone();
    if shape.emits() {
        text += &external(output);
        keys = format!("{keys}\nemits = {{ summed = \"{output}.{{entity}}\" }}");
    }
    text += &actor(ACTOR, handler, stream, &keys);
    for number in 1..shape.idle_actors {
        text += &actor(&format!("{ACTOR}{number}"), handler, stream, &keys);
    }
    text
}

fn external(stream: &str) -> String {
    format!("\n[streams.{stream}]\nexternal = true\nsubjects = [\"{stream}.{{entity}}\"]\n")
}

fn actor(name: &str, handler: &str, stream: &str, keys: &str) -> String {
    format!(
        r#"
[actors.{name}]
handler = "{handler}"
stream = "{stream}"
subjects = ["{stream}.{{entity}}"]
{keys}
"#
    )
}
