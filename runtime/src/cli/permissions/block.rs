//! Permissions as users in the configuration of a nats-server.

use std::fmt::{Arguments, Write};

use crate::nats::{Grant, Permissions};

/// The users, with passwords from the environment of the server.
pub(super) fn render(topology: &str, all: &[Permissions]) -> String {
    let mut text = format!(
        "# The least that each user of `{topology}` needs, written by `tidegate permissions`.\n\
         # Belongs into `authorization {{ … }}`, or into the topology's account under `accounts {{ … }}`.\n\
         # The passwords are variables of the server's environment.\n\
         users: [\n"
    );
    for permissions in all {
        let role = permissions.role.as_str();
        let variable = format!("{topology}_{role}_password").replace('-', "_").to_uppercase();
        put(
            &mut text,
            format_args!(
                "  {{\n    user: \"{topology}-{role}\"\n    password: ${variable}\n    permissions: {{\n"
            ),
        );
        put(
            &mut text,
            format_args!("      publish: {{ allow: [\n{}      ] }}\n", list(&permissions.publish)),
        );
        put(
            &mut text,
            format_args!("      subscribe: {{ allow: [\n{}      ] }}\n", list(&permissions.subscribe)),
        );
        text.push_str("    }\n  }\n");
    }
    text.push_str("]\n");
    text
}

/// The subjects, those of one purpose together.
fn list(grants: &[Grant]) -> String {
    let mut text = String::new();
    let mut told: Vec<&str> = Vec::new();
    for Grant { purpose, .. } in grants {
        if told.contains(purpose) {
            continue;
        }
        told.push(purpose);
        put(&mut text, format_args!("        # {purpose}\n"));
        for same in grants.iter().filter(|grant| grant.purpose == *purpose) {
            put(&mut text, format_args!("        {}\n", quoted(&same.subject)));
        }
    }
    text
}

/// A string of the server's configuration.
fn quoted(subject: &str) -> String {
    format!("\"{}\"", subject.replace('\\', "\\\\").replace('"', "\\\""))
}

fn put(text: &mut String, arguments: Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}
