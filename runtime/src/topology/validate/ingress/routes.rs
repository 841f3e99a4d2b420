//! Routes: each leads to a subject that a stream captures, and every token of the subject has one source.

use std::collections::BTreeMap;

use tidegate::subject::{Pattern, Token};

use crate::topology::conform::closest;
use crate::topology::model::{Content, IdSource, Ingress, Route, RoutePath};
use crate::topology::name::RouteName;
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{IngressTable, Located, RouteIdTable, RouteTable};
use crate::topology::validate::{StreamDraft, values};

/// What the subjects of the runtime itself start with.
const OURS: &str = "tidegate";

/// A route of the file, as far as it could be read.
struct Draft<'f> {
    name: &'f Located<String>,
    table: &'f RouteTable,
    path: Option<Located<RoutePath>>,
    subject: Option<Located<Pattern>>,
    content: Content,
}

/// The routes that are not broken.
pub(super) fn routes(
    table: &IngressTable,
    streams: &[StreamDraft<'_>],
    report: &mut Report,
) -> BTreeMap<RouteName, Route> {
    let drafts: Vec<Draft<'_>> =
        table.routes.iter().map(|(name, table)| draft(name, table, streams, report)).collect();
    check_overlaps(&drafts, report);
    let mut routes = BTreeMap::new();
    for draft in drafts {
        let name: Option<RouteName> = values::name(draft.name, "a route", report);
        check_tokens(&draft, report);
        let (fields, id) = (fields(&draft, report), id(&draft, report));
        let Some(((name, path), subject)) = name.zip(draft.path).zip(draft.subject) else { continue };
        let (path, subject, content) = (path.value, subject.value, draft.content);
        routes.insert(name.clone(), Route { name, path, subject, fields, id, content });
    }
    routes
}

fn draft<'f>(
    name: &'f Located<String>,
    table: &'f RouteTable,
    streams: &[StreamDraft<'_>],
    report: &mut Report,
) -> Draft<'f> {
    let path = table.path.as_ref().and_then(|written| path(written, report));
    let subject = table.subject.as_ref().and_then(|written| values::pattern(written, report));
    let subject = subject.filter(|subject| check_subject(subject, streams, report));
    Draft { name, table, path, subject, content: content(table.content_type.as_ref(), report) }
}

fn path(written: &Located<String>, report: &mut Report) -> Option<Located<RoutePath>> {
    let problem = match written.value.parse::<RoutePath>() {
        Ok(path) if path.as_str() != Ingress::DESCRIPTION => return Some(written.map(|_| path)),
        Ok(_) => "this path is where the description of the routes is".to_owned(),
        Err(problem) => problem.to_string(),
    };
    report.add(Rule::BadPath, &written.span, problem).consequence("no request could ever match it").cure(
        "write `/orders/{order}/placed`: letters, digits, `-`, `_`, `.`, `~`, and whole segments in braces",
    );
    None
}

/// Tells whether the tokens of the subject can be looked at.
fn check_subject(subject: &Located<Pattern>, streams: &[StreamDraft<'_>], report: &mut Report) -> bool {
    let (message, cure) = match subject.value.tokens() {
        [Token::Literal(first), ..] if **first == *OURS => {
            (format!("`{}` is one of the runtime's own subjects", subject.value), "use a subject of your own")
        }
        [Token::Named(_), ..] => (
            format!("the first token of `{}` comes from the request", subject.value),
            "start with a word: requests must not choose what kind of subject they publish to",
        ),
        tokens if tokens.iter().any(|token| matches!(token, Token::Any | Token::Rest)) => (
            format!("a route cannot publish to the wildcard `{}`", subject.value),
            "name the token: `{order}` takes its value from the path or from `fields`",
        ),
        _ if streams.iter().any(|stream| stream.subjects.is_none() || stream.captures(&subject.value))
            || !report.is_complete("streams") =>
        {
            return true;
        }
        _ => (
            format!("no stream captures `{}`", subject.value),
            "correct the subject, or add it to the subjects of a stream (`external = true` if it is not ours)",
        ),
    };
    report
        .add(Rule::RouteSubject, &subject.span, message)
        .consequence("every request to this route would have to be refused")
        .cure(cure);
    false
}

fn check_overlaps(drafts: &[Draft<'_>], report: &mut Report) {
    let paths: Vec<&Located<RoutePath>> = drafts.iter().filter_map(|draft| draft.path.as_ref()).collect();
    for (position, path) in paths.iter().enumerate() {
        for other in paths[..position].iter().filter(|other| other.value.overlaps(&path.value)) {
            let (later, earlier) =
                if path.span.start > other.span.start { (path, other) } else { (other, path) };
            report
                .add(
                    Rule::OverlappingRoutes,
                    &later.span,
                    format!("`{}` overlaps `{}`", later.value, earlier.value),
                )
                .consequence(
                    "a request could belong to either, and its event land in another stream than was meant",
                )
                .cure("tell them apart by a word at a place where both have one")
                .related(&earlier.span, "overlaps with this");
        }
    }
}

/// Every token has one source, and every source a token.
fn check_tokens(draft: &Draft<'_>, report: &mut Report) {
    let (Some(path), Some(subject)) = (&draft.path, &draft.subject) else { return };
    let fields = || draft.table.fields.keys();
    let tokens = subject.value.names();
    let consequence = "requests would be refused, or what they say be left out of the subject";
    for token in tokens.iter() {
        let in_path = path.value.parameters().any(|parameter| parameter == token);
        let field = fields().find(|field| field.value == token);
        match (in_path, field) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(field)) => {
                report
                    .add(
                        Rule::RouteToken,
                        &field.span,
                        format!("token `{token}` comes from the path and from `fields`"),
                    )
                    .consequence(consequence)
                    .cure("keep one of them")
                    .related(&path.span, "it comes from here");
            }
            (false, None) if !report.is_complete(&format!("ingress.routes.{}.fields", draft.name.value)) => {}
            (false, None) => {
                let cure = match closest(token, path.value.parameters()) {
                    Some(similar) => format!("did you mean `{{{similar}}}`?"),
                    None => {
                        format!("add `{{{token}}}` to the path, or `fields = {{ {token} = \"/{token}\" }}`")
                    }
                };
                report
                    .add(Rule::RouteToken, &subject.span, format!("nothing gives token `{token}` its value"))
                    .consequence(consequence)
                    .cure(cure)
                    .related(&path.span, "the path does not");
            }
        }
    }
    let parameters = path.value.parameters().map(|name| (name, &path.span));
    let sources = parameters.chain(fields().map(|field| (field.value.as_str(), &field.span)));
    for (source, span) in sources.filter(|(source, _)| !tokens.iter().any(|token| token == *source)) {
        report
            .add(Rule::RouteToken, span, format!("`{}` has no token `{source}`", subject.value))
            .consequence(consequence)
            .cure(format!("add `{{{source}}}` to the subject, or leave it out here"))
            .related(&subject.span, "the subject");
    }
}

fn fields(draft: &Draft<'_>, report: &mut Report) -> BTreeMap<String, String> {
    for pointer in draft.table.fields.values() {
        check_pointer(pointer, draft, report);
    }
    let fields = draft.table.fields.iter();
    fields.map(|(token, pointer)| (token.value.clone(), pointer.value.clone())).collect()
}

fn id(draft: &Draft<'_>, report: &mut Report) -> Option<IdSource> {
    let written = draft.table.id.as_ref()?;
    match &written.value {
        RouteIdTable { header: Some(header), json: None } => {
            let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
            if header.value.is_empty() || !header.value.chars().all(is_plain) {
                bad_field(
                    header,
                    "this cannot be the name of a header",
                    "write `header = \"Idempotency-Key\"`",
                    report,
                );
            }
            Some(IdSource::Header(header.value.clone()))
        }
        RouteIdTable { header: None, json: Some(pointer) } => {
            check_pointer(pointer, draft, report);
            Some(IdSource::Json(pointer.value.clone()))
        }
        RouteIdTable { .. } => {
            if report.is_complete(&format!("ingress.routes.{}.id", draft.name.value)) {
                let cure = "write `{ header = \"Idempotency-Key\" }` or `{ json = \"/id\" }`";
                bad_field(written, "an id has exactly one source", cure, report);
            }
            None
        }
    }
}

fn check_pointer(pointer: &Located<String>, draft: &Draft<'_>, report: &mut Report) {
    let has_bad_escape = pointer.value.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    if !pointer.value.starts_with('/') || has_bad_escape {
        let cure = format!(
            "write the way through the body: `/{}`",
            pointer.value.trim_matches('/').replace('.', "/")
        );
        bad_field(pointer, "this is no JSON pointer (RFC 6901)", &cure, report);
    } else if !draft.content.is_json() {
        let cure = "take it from the path or a header, or let `content_type` be JSON";
        bad_field(pointer, "the bodies of this route are not read", cure, report);
    }
}

fn bad_field<T>(place: &Located<T>, message: &str, cure: &str, report: &mut Report) {
    report
        .add(Rule::BadField, &place.span, message)
        .consequence("nothing would ever be found there")
        .cure(cure);
}

fn content(written: Option<&Located<String>>, report: &mut Report) -> Content {
    let Some(written) = written else { return Content::Json(Content::JSON.to_owned()) };
    let essence = written.value.to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c))
    };
    match essence.split_once('/') {
        None if essence == "any" => Content::Any,
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => {
            if essence == Content::JSON || subtype.ends_with("+json") {
                Content::Json(essence)
            } else {
                Content::Opaque(essence)
            }
        }
        None | Some(_) => {
            report
                .add(Rule::BadContentType, &written.span, "this is no content type")
                .consequence("no request could ever have it")
                .cure("write a type and a subtype without parameters, such as `application/json`, or `any`");
            Content::Any
        }
    }
}
