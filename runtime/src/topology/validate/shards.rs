//! A stream that is split into shards keeps every entity in one of them.

use tidegate::subject::Token;

use super::{ActorDraft, StreamDraft};
use crate::topology::model::{KeySource, Order, ShardToken};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::Span;

pub(super) fn check(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    for stream in streams {
        let Some(split) = Split::of(stream) else { continue };
        match ShardToken::of(stream.subjects.iter().flatten().map(|subject| &subject.value)) {
            Ok(token) => {
                for actor in actors.iter().filter(|actor| actor.consumes(stream)) {
                    check_key(actor, &token, &split, report);
                }
            }
            Err(problem) => {
                let message = format!("stream `{}` cannot be split by its subjects: {problem}", split.name);
                report
                    .add(Rule::NoShardToken, split.written, message)
                    .consequence("the server could not tell which shard a message belongs to, so those of one entity would be spread over all of them")
                    .cure("name the token of the entity at the same place of all its subjects: `orders.{order}.*`; or leave `shards` out");
            }
        }
    }
    check_names(streams, actors, report);
}

/// A stream with several shards.
struct Split<'d> {
    name: &'d str,
    written: &'d Span,
}

impl<'d> Split<'d> {
    /// `None` for a stream with one shard, or when something of it is broken.
    fn of(stream: &'d StreamDraft<'_>) -> Option<Self> {
        let model = stream.model.as_ref().filter(|model| model.shards > 1)?;
        Some(Self { name: model.name.as_str(), written: &stream.table.shards.as_ref()?.span })
    }
}

fn check_key(actor: &ActorDraft<'_>, token: &ShardToken, split: &Split<'_>, report: &mut Report) {
    let Some(model) = actor.model.as_ref().filter(|model| model.order == Order::Entity) else { return };
    let is_key = |place: Option<&Token>| matches!((&model.key, place), (KeySource::Token(key), Some(Token::Named(name))) if **key == **name);
    if model.subjects.iter().all(|subject| is_key(subject.tokens().get(token.place))) {
        return;
    }
    let key = actor.table.key.as_ref().map(|key| &key.span);
    let span = key.or(actor.table.subjects.as_ref().map(|subjects| &subjects.span));
    report
        .add(
            Rule::ShardKey,
            span.unwrap_or(&actor.name.span),
            format!(
                "the key of actor `{}` is not the token by which stream `{}` is split, `{}`",
                actor.name.value, split.name, token.name
            ),
        )
        .consequence("messages of one entity would be in several shards, and so handled by several instances at a time, in no order")
        .cure(format!(
            "use the token as the key: `key = {{ token = \"{}\" }}`; or write `order = \"none\"`, or leave `shards` out",
            token.name
        ))
        .related(split.written, format!("split by token {} of the subjects", token.place + 1));
}

/// The consumers that read advisories have the names of those they are about, but all on one stream.
fn check_names(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    let shards = |actor: &ActorDraft<'_>| {
        let stream = streams.iter().find(|stream| actor.consumes(stream));
        stream.and_then(|stream| stream.model.as_ref()).map_or(1, |model| model.shards)
    };
    for actor in actors.iter().filter(|actor| shards(actor) > 1) {
        let names: Vec<String> =
            (0..shards(actor)).map(|shard| format!("{}-{shard}", actor.name.value)).collect();
        let is_taken = |other: &&ActorDraft<'_>| shards(other) == 1 && names.contains(&other.name.value);
        for other in actors.iter().filter(is_taken) {
            let message = format!(
                "actor `{}` has the name of a shard of actor `{}`",
                other.name.value, actor.name.value
            );
            report
                .add(Rule::ConsumerNameTaken, &other.name.span, message)
                .consequence("their consumers on the server would have the same name, so that one would get the messages of the other")
                .cure("rename one of the two")
                .related(&actor.name.span, format!("has {} shards, numbered from 0", shards(actor)));
        }
    }
}
