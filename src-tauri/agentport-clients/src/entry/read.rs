//! Reads an entry of a client's file as a [`McpServer`].

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::fields;
use crate::{
    client::{
        Client,
        entry_schema::{
            ApprovalField, EntrySchema, FlagField, TimeoutField, TimeoutUnit, TransportField,
        },
    },
    mcp_server::{AutoApprove, Launch, McpServer},
};

/// The transport an entry names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Local,
    Remote(TransportField),
}

pub(super) fn server(client: &Client, name: &str, entry: &Value) -> McpServer {
    let shape = client.shape();
    let Some(entry) = entry.as_object() else {
        return McpServer {
            name: name.to_owned(),
            launch: Launch::Unclear("it is not a set of fields".to_owned()),
            disabled: false,
            auto_approve: AutoApprove::Nothing,
            timeout: None,
            startup_timeout: None,
            extra: Map::new(),
        };
    };
    let mut extra = entry.clone();
    let switched_off: Vec<bool> =
        shape.disabled.iter().map(|flag| take_flag(&mut extra, flag)).collect();
    let disabled = switched_off.contains(&true);
    let timeout = shape.timeout.as_ref().and_then(|field| take_timeout(&mut extra, field));
    let startup_timeout =
        shape.startup_timeout.iter().find_map(|field| take_timeout(&mut extra, field));
    let auto_approve =
        shape.auto_approve.as_ref().map(|at| take_approvals(&mut extra, at)).unwrap_or_default();

    // An unclear entry keeps all of its fields in `extra`.
    let as_it_stood = extra.clone();
    let launch = launch(shape, &mut extra).unwrap_or_else(|why| {
        extra = as_it_stood;
        Launch::Unclear(why)
    });
    let name = name.to_owned();
    McpServer { name, launch, disabled, auto_approve, timeout, startup_timeout, extra }
}

fn launch(shape: &EntrySchema, entry: &mut Map<String, Value>) -> Result<Launch, String> {
    let acts_on = |field: &&String| {
        entry
            .get(field.as_str())
            .is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    };
    if let Some(field) = shape.own.iter().find(acts_on) {
        return Err(format!("only the client itself can act on its `{field}`"));
    }
    lift_nested(shape, entry)?;
    let word = take_word(shape, entry)?;
    let command = shape.command.iter().find(|field| is_set(entry, field));
    let url = shape.url.iter().find(|url| is_set(entry, &url.field));
    match (word, command, url) {
        (Some(Word::Local) | None, Some(command), None) | (Some(Word::Local), Some(command), _) => {
            local(shape, entry, command)
        }
        (Some(Word::Remote(transport)), _, Some(url)) => {
            remote(shape, entry, &url.field, transport)
        }
        (None, None, Some(url)) => remote(shape, entry, &url.field, url.is),
        (None, Some(_), Some(_)) => Err("it has both a command and a URL".to_owned()),
        (Some(Word::Local), None, _) => Err("it has no command".to_owned()),
        (Some(Word::Remote(_)), _, None) => Err("it has no URL".to_owned()),
        (None, None, None) => Err("it has neither a command nor a URL".to_owned()),
    }
}

fn local(
    shape: &EntrySchema,
    entry: &mut Map<String, Value>,
    command: &str,
) -> Result<Launch, String> {
    let (command, mut args) = match fields::take(entry, command) {
        Some(Value::Array(words)) if shape.argv => {
            let mut words = texts(Value::Array(words), "command")?.into_iter();
            let command = words.next().ok_or("its command is empty")?;
            (command, words.collect())
        }
        Some(Value::String(command)) if !shape.argv => (command, Vec::new()),
        _ => return Err("its command is not what the client takes".to_owned()),
    };
    if command.trim().is_empty() {
        return Err("its command is empty".to_owned());
    }
    if !shape.argv
        && let Some(more) = present(entry, &shape.args)
    {
        args = texts(more, "arguments")?;
    }
    let mut env = table(present(entry, &shape.env), "environment variable")?;
    if let Some(names) = shape.forwarded.as_deref().and_then(|field| present(entry, field)) {
        for name in texts(names, "variables")? {
            env.entry(name.clone()).or_insert_with(|| reference(&name));
        }
    }
    let cwd = match shape.cwd.as_deref().and_then(|field| present(entry, field)) {
        Some(Value::String(cwd)) => Some(cwd),
        Some(_) => return Err("its working directory is not text".to_owned()),
        None => None,
    };
    Ok(Launch::Local { command, args, env, cwd })
}

fn remote(
    shape: &EntrySchema,
    entry: &mut Map<String, Value>,
    url: &str,
    transport: TransportField,
) -> Result<Launch, String> {
    let Some(Value::String(url)) = fields::take(entry, url) else {
        return Err("its URL is not text".to_owned());
    };
    if url.trim().is_empty() {
        return Err("its URL is empty".to_owned());
    }
    let mut headers = table(present(entry, &shape.headers), "header")?;
    // Only the client knows which of two URLs it uses.
    let mut add = |name: &str, value: String| {
        if headers.keys().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(format!("it has its header {name} twice"));
        }
        headers.insert(name.to_owned(), value);
        Ok(())
    };
    let variables = shape.header_variables.as_deref().and_then(|field| present(entry, field));
    for (name, variable) in table(variables, "header variable")? {
        add(&name, reference(&variable))?;
    }
    match shape.bearer_variable.as_deref().and_then(|field| present(entry, field)) {
        Some(Value::String(variable)) => {
            add("Authorization", format!("Bearer {}", reference(&variable)))?;
        }
        Some(_) => return Err("the name of its token's variable is not text".to_owned()),
        None => {}
    }
    match shape.bearer.as_deref().and_then(|field| present(entry, field)) {
        Some(Value::String(token)) => add("Authorization", format!("Bearer {token}"))?,
        Some(_) => return Err("its token is not text".to_owned()),
        None => {}
    }
    Ok(Launch::Remote { url, headers, sse: transport == TransportField::Sse })
}

/// Fields of an object that stands for the entry itself become the entry's.
fn lift_nested(shape: &EntrySchema, entry: &mut Map<String, Value>) -> Result<(), String> {
    let Some(name) = shape.nested.as_deref() else { return Ok(()) };
    if !entry.get(name).is_some_and(Value::is_object) {
        return Ok(());
    }
    if let Some(Value::Object(nested)) = entry.shift_remove(name) {
        for (field, value) in nested {
            if entry.insert(field.clone(), value).is_some() {
                return Err(format!("it says its `{field}` twice"));
            }
        }
    }
    Ok(())
}

fn take_word(shape: &EntrySchema, entry: &mut Map<String, Value>) -> Result<Option<Word>, String> {
    let Some(kind) = &shape.kind else { return Ok(None) };
    let Some(field) = kind.fields.iter().find(|field| is_set(entry, field)) else {
        return Ok(None);
    };
    let Some(Value::String(word)) = fields::take(entry, field) else {
        return Err(format!("its `{field}` is not text"));
    };
    let is_one_of = |words: &[String]| words.contains(&word);
    if is_one_of(&kind.local) {
        Ok(Some(Word::Local))
    } else if is_one_of(&kind.http) {
        Ok(Some(Word::Remote(TransportField::Http)))
    } else if is_one_of(&kind.sse) {
        Ok(Some(Word::Remote(TransportField::Sse)))
    } else {
        Err(format!("it is of the client's own kind `{word}`"))
    }
}

fn take_flag(entry: &mut Map<String, Value>, flag: &FlagField) -> bool {
    // A value of another type is unknown to us, and stays in `extra`.
    let same_sort =
        |value: &Value| (value.is_boolean() && flag.is.is_boolean()) || value == &flag.is;
    match fields::get(entry, &flag.field).filter(|value| same_sort(value)) {
        Some(_) => fields::take(entry, &flag.field) == Some(flag.is.clone()),
        None => false,
    }
}

fn take_timeout(entry: &mut Map<String, Value>, timeout: &TimeoutField) -> Option<Duration> {
    let number = fields::get(entry, &timeout.field)?.as_f64()?;
    let seconds = match timeout.unit {
        TimeoutUnit::Milliseconds => number / 1000.0,
        TimeoutUnit::Seconds => number,
    };
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    fields::take(entry, &timeout.field);
    Some(duration)
}

fn take_approvals(entry: &mut Map<String, Value>, at: &ApprovalField) -> AutoApprove {
    if at.all.as_ref().is_some_and(|flag| take_flag(entry, flag)) {
        // With all tools approved, lists of single tools add nothing and stay in `extra`.
        return AutoApprove::Everything;
    }
    let mut tools = Vec::new();
    if let Some(field) = at.list.as_deref()
        && let Some(Ok(listed)) = fields::get(entry, field).map(|list| texts(list.clone(), field))
    {
        if at.any.as_ref().is_some_and(|any| listed.contains(any)) {
            return AutoApprove::Everything;
        }
        fields::take(entry, field);
        tools.extend(listed);
    }
    if let Some(each) = &at.each
        && let Some(Value::Object(table)) = entry.get_mut(&each.field)
    {
        table.retain(|tool, settings| {
            let Some(settings) = settings.as_object_mut() else { return true };
            if take_flag(settings, &each.flag) {
                tools.push(tool.clone());
            }
            !settings.is_empty()
        });
        if table.is_empty() {
            entry.shift_remove(&each.field);
        }
    }
    if tools.is_empty() { AutoApprove::Nothing } else { AutoApprove::Tools(tools) }
}

fn is_set(entry: &Map<String, Value>, field: &str) -> bool {
    fields::get(entry, field).is_some_and(|value| !value.is_null())
}

/// Takes out the field's value; `null` counts as absent.
fn present(entry: &mut Map<String, Value>, field: &str) -> Option<Value> {
    fields::take(entry, field).filter(|value| !value.is_null())
}

fn texts(value: Value, what: &str) -> Result<Vec<String>, String> {
    let Value::Array(values) = value else { return Err(format!("its {what} are not a list")) };
    values
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Ok(text),
            _ => Err(format!("one of its {what} is not text")),
        })
        .collect()
}

/// Numbers and booleans become text: environment variables and headers are always text.
fn table(value: Option<Value>, what: &str) -> Result<BTreeMap<String, String>, String> {
    let entries = match value {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(format!("its {what}s are not named")),
    };
    entries
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Number(number) => Ok((name, number.to_string())),
            Value::Bool(truth) => Ok((name, truth.to_string())),
            _ => Err(format!("its {what} {name} is not text")),
        })
        .collect()
}

fn reference(variable: &str) -> String {
    format!("${{{variable}}}")
}
