//! The metrics that an expression in PromQL names.

use std::collections::BTreeSet;

const OPERATORS: &[&str] =
    &["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"];

/// Words that labels in parentheses follow.
const GROUPINGS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// A part of an expression that matters here.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(char),
}

/// The names of the metrics in an expression.
pub(crate) fn metrics(expression: &str) -> BTreeSet<&str> {
    let tokens = tokens(expression);
    let mut names = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        let is_call = next == Some(&Token::Symbol('('));
        // Such as `sum by (node) (…)`.
        let is_aggregation = matches!(next, Some(Token::Word("by" | "without")));
        at = match token {
            Token::Symbol('{') => end_of(&tokens, at, '}'),
            Token::Symbol('[') => end_of(&tokens, at, ']'),
            Token::Word(word) if GROUPINGS.contains(word) && is_call => end_of(&tokens, at, ')'),
            Token::Word(word) if !is_call && !is_aggregation && !is_no_name(word) => {
                names.insert(*word);
                at + 1
            }
            _ => at + 1,
        };
    }
    names
}

/// Numbers, durations, operators, and groupings without labels.
fn is_no_name(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.starts_with(|first: char| first.is_ascii_digit() || first == '$')
        || OPERATORS.contains(&lower.as_str())
        || GROUPINGS.contains(&lower.as_str())
}

/// The place behind the symbol that ends what begins at `at`.
fn end_of(tokens: &[Token<'_>], at: usize, symbol: char) -> usize {
    let length = tokens[at..].iter().position(|token| *token == Token::Symbol(symbol));
    at + length.unwrap_or_else(|| panic!("no {symbol} in {tokens:?}")) + 1
}

/// Words and symbols, without strings, space and comments.
fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' | '`' => string_length(rest, first),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            _ if is_of_word(first) => rest.find(|part| !is_of_word(part)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if is_of_word(first) {
            tokens.push(Token::Word(token));
        } else if !first.is_whitespace() && length == first.len_utf8() && first != '#' {
            tokens.push(Token::Symbol(first));
        }
        rest = after;
    }
    tokens
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_:.$".contains(character)
}

fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    panic!("a string without an end: {text}")
}

#[test]
fn metrics_are_found() {
    let check = |expression: &str, expected: &[&str]| {
        assert_eq!(metrics(expression).into_iter().collect::<Vec<_>>(), expected, "{expression}");
    };
    check("sum by (node) (a_total) > 10000", &["a_total"]);
    check(
        "rate(a{job=~\"$job\", b=\"}\"}[$__rate_interval]) / on (b) group_left a:c",
        &["a", "a:c"],
    );
    check("sum(up == bool 0) without (c) or vector(0)", &["up"]);
    check("a offset 5m and b @ start() unless c[1h:5m] # d\n + 1e3 * Inf", &["a", "b", "c"]);
    check("histogram_quantile(0.5, sum by (le, type) (rate(a_bucket[1h])))", &["a_bucket"]);
    check("label_replace(a, \"b\", \"\\\"c\", 'd', `e\\`)", &["a"]);
}
