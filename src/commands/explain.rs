//! `explain`: a rule, or a verdict with its reasons in the server's order.

use std::io::Write;

use anyhow::{Result, anyhow, bail};

use crate::audit::fact::in_words;
use crate::cli::ExplainArgs;
use crate::model::principal::Written;
use crate::model::{App, Class, ClassName, Known, Operation, Principal, RuleId, UserId, Why};
use crate::permit::{Denial, Engine, Request, Verdict};
use crate::report::text::wrap;
use crate::report::{Report, clean};

use super::asked::Asked;
use super::heard::stdout;
use super::load::rules;
use super::{CLEAN, by_key, by_option, exit_code, explain_package, through, words};

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Result<u8> {
    let what = args.what.join(" ");
    if !what.contains(char::is_whitespace) {
        return rule(&what, args);
    }
    question(&what, args)
}

fn rule(id: &str, args: &ExplainArgs) -> Result<u8> {
    let rules = rules(&args.input.rules)?.rules;
    let id = RuleId::from(id);
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        if let Some(code) = explain_package::run(id.as_str(), args)? {
            return Ok(code);
        }
        bail!("no such rule: `{id}`; see `parse-audit rules list`, or ask a question such as `find Order as public`");
    };
    let mut out = stdout();
    writeln!(out, "{}\n", rule.help())?;
    writeln!(out, "{} · {} · confidence {}", rule.id, rule.severity, rule.confidence.word())?;
    let cwe: Vec<String> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    writeln!(out, "{} · OWASP {}", cwe.join(", "), rule.owasp.join(", "))?;
    writeln!(out, "{}", rule.see)?;
    Ok(CLEAN)
}

/// What a question asks.
struct Question {
    op: Operation,
    class: String,
    field: Option<String>,
    who: String,
}

fn parse(text: &str) -> Result<Question> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[op, target, "as", ref who @ ..] = words.as_slice() else {
        bail!("`{text}` is no question; write one such as `find Order as public` or `update Order as role:support`");
    };
    let (class, field) = target_of(target);
    Ok(Question { op: operation(op)?, class, field, who: who.join(" ") })
}

/// The operation of a word.
pub fn operation(word: &str) -> Result<Operation> {
    let known = Operation::ALL.map(Operation::key).join(", ");
    Operation::from_key(word).ok_or_else(|| anyhow!("`{word}` is no operation; expected one of {known}"))
}

/// A class, and a field of it if one is named.
pub fn target_of(text: &str) -> (String, Option<String>) {
    match text.split_once('.') {
        Some((class, field)) => (class.to_owned(), Some(field.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// The principal that a text means in an app.
pub fn principal(text: &str, app: &App) -> Result<Principal> {
    let expected = "public, any-user, anonymous-user, role:NAME, owner:COLUMN, user:ID, read-only-master-key, maintenance-key or master-key";
    let user = match Written::parse(text) {
        Some(Written::Principal(Principal::Role(role))) => {
            if app.role_names().contains(&role) {
                return Ok(Principal::Role(role));
            }
            let known: Vec<String> = app.role_names().iter().map(ToString::to_string).collect();
            let known =
                if known.is_empty() { "no role is known".to_owned() } else { format!("known are {}", in_words(known)) };
            bail!("no such role: `{role}`; {known}");
        }
        Some(Written::Principal(principal)) => return Ok(principal),
        Some(Written::User(user)) => user,
        None => bail!("`{text}` is no principal; expected {expected}"),
    };
    // A user may be given by the alias that reports print.
    let mut named: Vec<UserId> =
        app.classes.values().filter_map(|class| class.clp.read()).flat_map(|clp| clp.users()).collect();
    let roles = app.roles.read().into_iter().flat_map(|roles| roles.by_name.values());
    named.extend(roles.filter_map(|role| role.members.read()).flatten().copied());
    Ok(Principal::User(UserId::find_alias(&user, named).unwrap_or_else(|| UserId::of(&user))))
}

/// The class of a name, or what is known instead.
pub fn class<'a>(name: &str, app: &'a App) -> Result<&'a Class> {
    app.classes.get(name).ok_or_else(|| {
        let known: Vec<String> = app.classes.keys().map(ToString::to_string).collect();
        let known =
            if known.is_empty() { "no class was found".to_owned() } else { format!("found were {}", in_words(known)) };
        anyhow!("no such class: `{}`; {known}", clean::text(name))
    })
}

/// Checks that a class has a field, if its fields are known.
pub fn check_field(class: &Class, field: &str) -> Result<()> {
    match &class.fields {
        Known::Read(fields) if !fields.contains_key(field) => {
            bail!("{} has no field `{}`; it has {}", class.name, clean::text(field), in_words(fields.keys()))
        }
        Known::Read(_) | Known::Unread(_) => Ok(()),
    }
}

fn question(text: &str, args: &ExplainArgs) -> Result<u8> {
    let question = parse(text)?;
    let asked = Asked::load(&args.path, &args.input, args.no_history, |_| Ok(()))?;
    let app = asked.app();
    let who = principal(&question.who, app)?;
    let name = ClassName::from(question.class.as_str());
    let may_be_made =
        !name.is_system() && question.class.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let is_new = !app.classes.is_empty() && !app.classes.contains_key(&name);
    if question.op == Operation::Create && is_new && may_be_made {
        print(&by_option::new_class(&Engine::new(app), &asked.report(), &name, &who))?;
        return Ok(exit_code(&asked.reading.problems));
    }
    let class = class(&question.class, app)?;
    if let Some(field) = &question.field {
        check_field(class, field)?;
    }
    let engine = Engine::new(app);
    print(&lines(&engine, &asked, &asked.report(), class, (&who, &question)))?;
    Ok(exit_code(&asked.reading.problems))
}

/// The answer: a first column, and what it says.
fn lines(
    engine: &Engine<'_>,
    asked: &Asked,
    report: &Report<'_>,
    class: &Class,
    (who, question): (&Principal, &Question),
) -> Vec<(String, String)> {
    let decision = engine.decide(&Request { who, op: question.op, class: &class.name });
    let caller = engine.caller(who);
    let cell = engine.cell(&caller, class, question.op);
    let mut verdict = words::verdict(&decision.verdict).to_owned();
    if cell.dormant {
        verdict = "ALLOWED on paper".to_owned();
    } else if matches!(decision.verdict, Verdict::If(_)) && cell.known() == Some(crate::permit::Reach::AllRows) {
        verdict = if cell.rows.is_read() { "ALLOWED" } else { "ALLOWED unless an ACL objects" }.to_owned();
    }
    let reach = match decision.verdict {
        Verdict::Deny(denial) => how_refused(denial),
        Verdict::Allow | Verdict::If(_) | Verdict::Unknown(_) => words::reach(&cell, question.op),
    };
    let mut lines = vec![(verdict, format!("{} {} as {who}: {reach}", question.op, class.name))];
    for reason in &decision.because {
        let place = words::place(reason, class, engine.app)
            .map(|place| format!(" ({})", report.where_is(&place)))
            .unwrap_or_default();
        lines.push((words::topic(reason).to_owned(), format!("{}{place}", words::reason(reason, who, class))));
    }
    if question.op.is_read() && !matches!(decision.verdict, Verdict::Deny(_) | Verdict::Unknown(_)) {
        lines.extend(fields(engine, report, class, who, question));
    }
    lines.extend(by_option::lines(engine, report, class, (question.op, who)));
    lines.push(("server".to_owned(), server(report)));
    let field = question.field.as_deref();
    lines.extend(through::explained(engine, &asked.analysis, report, class, (question.op, field, who)));
    if who.is_client() {
        let field = field.map(Into::into);
        let keys = by_key::lines(engine, &asked.keys, report, (class, question.op, field.as_ref()));
        lines.extend(keys.into_iter().map(|key| ("thru".to_owned(), key)));
    }
    if !engine.app.code.is_read() {
        lines.push(("code".to_owned(), "no cloud code was found; a trigger may still refuse or change it".to_owned()));
    }
    lines
}

fn how_refused(denial: Denial) -> String {
    let seen = match denial {
        Denial::Forbidden => "the client sees \"permission denied\"",
        Denial::NotFound => "the client sees \"object not found\"",
        Denial::SessionMissing => "the client sees \"session missing\"",
        Denial::InvalidSession => "the client sees \"invalid session token\"",
        Denial::InvalidQuery | Denial::InvalidKey => "the client sees that its request is invalid",
        Denial::Broken => "the server fails",
    };
    format!("{seen} (HTTP {}, code {})", denial.status(), denial.code())
}

fn fields(
    engine: &Engine<'_>,
    report: &Report<'_>,
    class: &Class,
    who: &Principal,
    question: &Question,
) -> Vec<(String, String)> {
    let caller = engine.caller(who);
    let (Known::Read(visible), Known::Read(all)) = (engine.visible_in_reach(&caller, class), &class.fields) else {
        return vec![("fields".to_owned(), "the fields of the class were not read".to_owned())];
    };
    if let Some(field) = &question.field {
        let shown = visible.iter().any(|known| *known == field.as_str());
        let line = if shown {
            format!("`{field}` is shown")
        } else {
            format!("`{field}` is hidden, and may not be asked about")
        };
        return vec![("fields".to_owned(), line)];
    }
    if question.op == Operation::Count {
        let line = "a count shows no field, but each visible one can be guessed by asking".to_owned();
        return vec![("fields".to_owned(), line)];
    }
    let own: Vec<&str> = visible.iter().map(|field| field.as_str()).filter(|field| !is_plain(field)).collect();
    let hidden: Vec<&str> = all.keys().filter(|field| !visible.contains(field)).map(|field| field.as_str()).collect();
    let shown = if own.is_empty() { "only ids and dates".to_owned() } else { in_words(own) };
    let hidden =
        if hidden.is_empty() { "nothing is hidden".to_owned() } else { format!("{} is hidden", in_words(hidden)) };
    let personal = report.program.words.fields(class, &ALL_TAGS);
    let personal: Vec<&str> =
        personal.iter().filter(|field| visible.contains(*field)).map(|field| field.as_str()).collect();
    let personal = if personal.is_empty() {
        String::new()
    } else {
        format!("; personal or secret by name: {}", in_words(personal))
    };
    vec![("fields".to_owned(), format!("{shown}; {hidden}{personal}"))]
}

/// What is worth a word when it is visible.
const ALL_TAGS: [crate::rules::words::Tag; 3] =
    [crate::rules::words::Tag::Personal, crate::rules::words::Tag::Sensitive, crate::rules::words::Tag::Secret];

fn is_plain(field: &str) -> bool {
    matches!(field, "objectId" | "createdAt" | "updatedAt" | "ACL")
}

/// The version that decided.
fn server(report: &Report<'_>) -> String {
    let server = &report.snapshot.app.server;
    match &server.version {
        Known::Read(found) => format!("parse-server {} ({})", found.version, found.from.words()),
        Known::Unread(Why::NotAsked | Why::NoAccess | Why::Failed) => {
            format!("the version is not known; decided as parse-server {}, the newest known", server.version())
        }
    }
}

/// Prints lines of two columns, wrapped.
pub fn print(lines: &[(String, String)]) -> Result<()> {
    let mut out = stdout();
    let margin = 9;
    for (number, (head, text)) in lines.iter().enumerate() {
        let text = clean::text(text);
        if number == 0 {
            for line in wrap(&format!("{head}  {text}"), super::width()) {
                writeln!(out, "{line}")?;
            }
            continue;
        }
        for (number, line) in wrap(&text, super::width() - margin).iter().enumerate() {
            writeln!(out, "{:<margin$}{line}", if number == 0 { format!("  {head}") } else { String::new() })?;
        }
    }
    Ok(())
}
