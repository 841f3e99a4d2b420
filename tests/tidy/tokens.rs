//! A file as a flat list of tokens: comments and literals gone, test code and nesting marked.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A token and where it stands.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) line: usize,
    /// Under `#[cfg(test)]`.
    pub(super) is_test: bool,
    /// How many `mod name { … }` of this file it stands in.
    pub(super) inline_modules: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Ident(String),
    /// `::`
    PathSeparator,
    Punct(char),
    Open(Delimiter),
    Close(Delimiter),
    Literal,
}

impl Token {
    pub(super) fn ident(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Ident(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is(&self, ident: &str) -> bool {
        self.ident() == Some(ident)
    }

    pub(super) fn is_punct(&self, punct: char) -> bool {
        self.kind == TokenKind::Punct(punct)
    }

    pub(super) fn is_separator(&self) -> bool {
        self.kind == TokenKind::PathSeparator
    }
}

/// Takes a file apart, macro arguments included.
pub(super) fn flatten(text: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream = text.parse().map_err(|error| format!("does not lex: {error}"))?;
    let mut tokens = Vec::new();
    Flattener { tokens: &mut tokens, is_test: false, inline_modules: 0 }.walk(stream);
    Ok(tokens)
}

struct Flattener<'a> {
    tokens: &'a mut Vec<Token>,
    is_test: bool,
    inline_modules: usize,
}

impl Flattener<'_> {
    /// Walks one level; an item under `#[cfg(test)]` lasts to its `;` or the end of its braces.
    fn walk(&mut self, stream: TokenStream) {
        let outside_is_test = self.is_test;
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            let line = tree.span().start().line;
            match tree {
                TokenTree::Ident(ident) => self.push(TokenKind::Ident(ident.to_string()), line),
                TokenTree::Literal(_) => self.push(TokenKind::Literal, line),
                TokenTree::Punct(colon) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint => {
                    let next =
                        trees.next_if(|next| matches!(next, TokenTree::Punct(p) if p.as_char() == ':'));
                    self.push(next.map_or(TokenKind::Punct(':'), |_| TokenKind::PathSeparator), line);
                }
                TokenTree::Punct(punct) => {
                    self.push(TokenKind::Punct(punct.as_char()), line);
                    if punct.as_char() == ';' {
                        self.is_test = outside_is_test;
                    }
                }
                TokenTree::Group(group) => {
                    let is_test_attribute = self.follows_hash() && is_cfg_test(&group.stream());
                    self.walk_group(group.delimiter(), group.stream(), line);
                    if group.delimiter() == Delimiter::Brace {
                        self.is_test = outside_is_test;
                    }
                    self.is_test |= is_test_attribute;
                }
            }
        }
        self.is_test = outside_is_test;
    }

    fn walk_group(&mut self, delimiter: Delimiter, stream: TokenStream, line: usize) {
        let is_module = delimiter == Delimiter::Brace && self.follows_module_name();
        self.push(TokenKind::Open(delimiter), line);
        self.inline_modules += usize::from(is_module);
        self.walk(stream);
        self.inline_modules -= usize::from(is_module);
        self.push(TokenKind::Close(delimiter), line);
    }

    fn follows_hash(&self) -> bool {
        match self.tokens.as_slice() {
            [.., hash, inner] if inner.is_punct('!') => hash.is_punct('#'),
            [.., hash] => hash.is_punct('#'),
            [] => false,
        }
    }

    fn follows_module_name(&self) -> bool {
        matches!(self.tokens.as_slice(), [.., keyword, name] if keyword.is("mod") && name.ident().is_some())
    }

    fn push(&mut self, kind: TokenKind, line: usize) {
        self.tokens.push(Token { kind, line, is_test: self.is_test, inline_modules: self.inline_modules });
    }
}

fn is_cfg_test(attribute: &TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text.starts_with("cfg(")
        && text.split(['(', ')', ',']).any(|word| word == "test")
        && !text.contains("not(test")
}

#[cfg(test)]
fn idents(text: &str, is_wanted: impl Fn(&Token) -> bool) -> Vec<String> {
    let tokens = flatten(text).expect("the example lexes");
    tokens
        .iter()
        .filter(|token| is_wanted(token))
        .filter_map(|token| token.ident().map(str::to_owned))
        .collect()
}

#[test]
fn comments_and_literals_are_no_tokens() {
    let found =
        idents("/// Uses `engine`.\nfn f() { /* engine */ g(\"engine\", 'e', r#\"engine\"#) }", |_| true);

    assert_eq!(found, ["doc", "fn", "f", "g"]);
}

#[test]
fn test_code_ends_with_its_item() {
    let text = "fn a() {} #[cfg(test)] use b::{c}; #[cfg(all(test, unix))] mod d { fn e() {} } #[cfg(not(test))] fn f() {}";

    let found = idents(text, |token| token.is_test);

    assert_eq!(found, ["use", "b", "c", "mod", "d", "fn", "e"]);
}

#[test]
fn lines_and_inline_modules_are_counted() {
    let tokens = flatten("mod a {\n    mod b {\n        c\n    }\n}\n").expect("the example lexes");

    let c = tokens.iter().find(|token| token.is("c")).expect("it is there");
    assert_eq!((c.line, c.inline_modules), (3, 2));
}
