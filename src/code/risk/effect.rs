//! Messages that are sent and money that is spent for whoever calls (PA108), and payments
//! that are taken back (PA102).

use std::sync::Arc;

use crate::code::entry::EntryKind;
use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::shape::Shape;
use crate::code::taint::{From, Taint};
use crate::code::value::{Kind, Value};
use crate::model::Callers;
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// What a call outside does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A message to somebody: push, mail, SMS, chat.
    Message,
    /// Money or work of a paid service.
    Paid,
    /// Money that is given back.
    Refund,
    /// Set-up of a service.
    Setup,
}

/// Calls by the end of their dotted name, with the packages they may belong to.
const CALLS: [(&[&str], &[&str], Effect); 17] = [
    (&["Parse.Push.send"], &[], Effect::Message),
    (&["Parse.Cloud.sendEmail"], &[], Effect::Message),
    (&["sendMail", "sendEmail", "sendTemplate", "sendMailWithTemplate"], &[], Effect::Message),
    (&["sendSMS", "sendSms", "sendsms", "sendText", "sendWhatsApp"], &[], Effect::Message),
    (
        &["messages.create", "messages.send", "calls.create", "verifications.create"],
        &["twilio", "mailgun", "mandrill", "vonage", "nexmo", "formData", "mailgun_js"],
        Effect::Message,
    ),
    (
        &["send", "sendMultiple", "sendMulticast", "sendToDevice", "sendEachForMulticast"],
        &[
            "sendgrid",
            "postmark",
            "mailgun",
            "mandrill",
            "firebase",
            "onesignal",
            "apn",
            "gcm",
            "fcm",
            "nodemailer",
            "resend",
            "emailjs",
            "sib",
            "brevo",
        ],
        Effect::Message,
    ),
    (&["emails.send", "mail.send", "createNotification", "sendNotification"], &[], Effect::Message),
    (&["publish"], &["sns", "aws"], Effect::Message),
    (&["chat.postMessage"], &[], Effect::Message),
    (
        &[
            "charges.create",
            "paymentIntents.create",
            "Charges.create",
            "transfers.create",
            "payouts.create",
            "transaction.sale",
        ],
        &[],
        Effect::Paid,
    ),
    (
        &[
            "refunds.create",
            "charges.refund",
            "Charges.refund",
            "Charges.createRefund",
            "refund",
            "pixDevolution",
            "createRefund",
        ],
        &[],
        Effect::Refund,
    ),
    (&["subscriptions.create", "checkout.sessions.create"], &["stripe"], Effect::Paid),
    (
        &[
            "chat.completions.create",
            "completions.create",
            "images.generate",
            "images.edit",
            "images.createVariation",
            "createCompletion",
            "createImage",
            "createImageEdit",
            "createImageVariation",
            "createChatCompletion",
            "responses.create",
            "embeddings.create",
            "generateContent",
        ],
        &[],
        Effect::Paid,
    ),
    (&["messages.create"], &["anthropic"], Effect::Paid),
    (&["Auth.requestMessage", "requestMessage", "requestChallengeEvm"], &[], Effect::Paid),
    (&["pixConfigWebhook", "webhookEndpoints.create", "configWebhook", "webhooks.create"], &[], Effect::Setup),
    (&["sendMessage"], &["sqs", "telegram", "twilio", "telegraf", "bot"], Effect::Message),
];

/// Hosts of services that are addressed by HTTP, with what they do.
const HOSTS: [(&str, Effect); 27] = [
    ("api.groq.com", Effect::Paid),
    ("api.mistral.ai", Effect::Paid),
    ("api.deepseek.com", Effect::Paid),
    ("api.replicate.com", Effect::Paid),
    ("api-inference.huggingface.co", Effect::Paid),
    ("api.stability.ai", Effect::Paid),
    ("discord.com/api/webhooks", Effect::Message),
    ("api.msg91.com", Effect::Message),
    ("api.plivo.com", Effect::Message),
    ("api.twilio.com", Effect::Message),
    ("api.mailgun.net", Effect::Message),
    ("mandrillapp.com", Effect::Message),
    ("api.sendgrid.com", Effect::Message),
    ("hooks.slack.com", Effect::Message),
    ("slack.com/api", Effect::Message),
    ("fcm.googleapis.com", Effect::Message),
    ("onesignal.com", Effect::Message),
    ("api.postmarkapp.com", Effect::Message),
    ("api.nexmo.com", Effect::Message),
    ("api.telegram.org", Effect::Message),
    ("graph.facebook.com", Effect::Message),
    ("api.resend.com", Effect::Message),
    ("api.openai.com", Effect::Paid),
    ("generativelanguage.googleapis.com", Effect::Paid),
    ("api.anthropic.com", Effect::Paid),
    ("openrouter.ai", Effect::Paid),
    ("api.stripe.com/v1/charges", Effect::Paid),
];

/// HTTP clients.
pub const CLIENTS: [&str; 22] = [
    "Parse.Cloud.httpRequest",
    "axios",
    "axios.get",
    "axios.post",
    "axios.put",
    "axios.request",
    "axios.delete",
    "axios.patch",
    "fetch",
    "request",
    "request.get",
    "request.post",
    "request.put",
    "got",
    "got.get",
    "got.post",
    "superagent.get",
    "superagent.post",
    "needle",
    "needle.post",
    "https.request",
    "http.request",
];

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if matches!(scene.entry.kind, EntryKind::Job(_)) {
        return;
    }
    for event in scene.events {
        let What::Call { path, args, .. } = &event.what else { continue };
        // That somebody is told of a failure is wanted.
        if event.failing {
            continue;
        }
        let Some(effect) = effect_of(scene, event, path, args) else { continue };
        found.extend(effect_for_anyone(scene, event, path, args, effect));
    }
}

/// What a call outside does.
pub fn effect_of(scene: &Scene<'_, '_>, event: &Event, path: &str, args: &[Value]) -> Option<Effect> {
    let within = &event.within;
    let by_name = CALLS.iter().find(|(ends, packages, _)| {
        let is_end =
            |end: &&str| path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        ends.iter().any(is_end) && (packages.is_empty() || names::has_any(path, packages))
    });
    if let Some((_, _, effect)) = by_name {
        return Some(*effect);
    }
    if !CLIENTS.contains(&path) {
        return None;
    }
    let mut text = String::new();
    for arg in args.iter().take(2) {
        super::answer::walk(scene.run, arg, 2, &mut |value| {
            if let Some(part) = value.as_text()
                && part.contains("://")
            {
                text.push_str(part);
            }
        });
    }
    if let Some((_, effect)) = HOSTS.iter().find(|(host, _)| text.contains(host)) {
        return Some(*effect);
    }
    let sends = |name: &str| {
        names::has_any(
            name,
            &[
                "sendsms",
                "sendmail",
                "sendemail",
                "sendpush",
                "sendotp",
                "sendnotification",
                "sendmessage",
                "sendtext",
                "notifyslack",
                "sendwhatsapp",
            ],
        )
    };
    (within.iter().any(|name| sends(name)) || names_channel(scene, args)).then_some(Effect::Message)
}

/// Whether the address is a variable of the environment that names a channel.
fn names_channel(scene: &Scene<'_, '_>, args: &[Value]) -> bool {
    let mut found = false;
    for arg in args.iter().take(2) {
        super::answer::walk(scene.run, arg, 2, &mut |value| {
            found |= value.as_path().is_some_and(|path| {
                path.starts_with("process.env.")
                    && names::has_any(path, &["slack", "discord", "teamswebhook", "mailgun", "sendgrid", "twilio"])
            });
        });
    }
    found
}

fn effect_for_anyone(scene: &Scene<'_, '_>, event: &Event, path: &str, args: &[Value], effect: Effect) -> Option<Risk> {
    if event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque, Flag::Limited, Flag::Development]) {
        return None;
    }
    let part = args.iter().find_map(|arg| written_part(scene, arg));
    let chosen = part.clone().or_else(|| args.iter().find_map(|arg| deep_taint(scene, arg)));
    let is_open = scene.is_open(event);
    if scene.is_trigger() {
        // Whoever saves the object decides who gets a message, or what it says.
        let chosen = chosen.filter(|taint| taint.from == From::TriggerObject)?;
        let is_of_users = scene.entry.kind.class() == Some("_User");
        // A mail to somebody who signs up is wanted.
        if effect != Effect::Message || is_of_users {
            return None;
        }
        let names_address =
            names::has_any(&chosen.name, &["phone", "number", "email", "mail", "recipient", "receiver"]);
        let names_somebody = names_address
            || scene.is_open(event)
                && (names::has_any(
                    &chosen.name,
                    &["message", "text", "body", "user", "channel", "code", "content", "friend"],
                ) || names::last(&chosen.name) == "to");
        if !names_somebody {
            return None;
        }
        let what = "send a message".to_owned();
        return Some(
            scene
                .risk("side-effect-for-anyone", event)
                .word("what", what)
                .word("sink", path)
                .rated(Severity::Medium)
                .by(&chosen, "chooses the message"),
        );
    }
    let verb = match effect {
        Effect::Message => "send a message",
        Effect::Paid => "use a paid service",
        Effect::Refund => "gives money back",
        Effect::Setup => "set up a service",
    };
    match effect {
        Effect::Refund => {
            let severity = if is_open { Severity::Critical } else { Severity::High };
            let risk = scene.risk("object-of-others", event).about(None).rated(severity);
            Some(match &chosen {
                Some(taint) => risk
                    .word("what", format!("{verb} for the payment that `{}` names", taint.name))
                    .by(taint, "selects the payment"),
                None => risk.word("what", verb),
            })
        }
        Effect::Setup if super::callers(scene.entry, &event.guards) <= Callers::SignedIn => {
            Some(scene.risk("admin-work-without-role", event).word("what", verb).rated(Severity::Medium))
        }
        Effect::Setup => None,
        Effect::Message | Effect::Paid => {
            let handler = scene.entry.kind.subject();
            // The server tells its own people, always the same; or what a provider said happened.
            let is_fixed =
                chosen.is_none() && path != "Parse.Push.send" && !args.iter().any(|arg| has_rows(scene, arg));
            if effect == Effect::Message && (is_fixed || part.is_none() && names::is_webhook(&handler)) {
                return None;
            }
            // Who is signed in may be stopped; it matters when they choose whom and what.
            let severity = match (is_open, chosen.is_some(), part.is_some()) {
                // Who signs up gets a mail or a code.
                (true, true, _) if names::is_entrance(&handler) => Severity::Low,
                // Text of a client to an address that the code names, mostly the operator's.
                (true, true, _) if args.iter().any(|arg| has_fixed_recipient(scene, arg)) => Severity::Low,
                (true, true, true) => Severity::High,
                (true, true, false) => Severity::Medium,
                (true, false, _) => Severity::Low,
                (false, _, true) if effect == Effect::Message => Severity::Low,
                (false, ..) => return None,
            };
            let risk =
                scene.risk("side-effect-for-anyone", event).word("what", verb).word("sink", path).rated(severity);
            Some(match &chosen {
                Some(taint) => risk.by(taint, &format!("reaches `{path}`")),
                None => risk,
            })
        }
    }
}

/// A value of the client that is itself the recipient, the text or the amount.
fn written_part(scene: &Scene<'_, '_>, value: &Value) -> Option<Arc<Taint>> {
    let mut found = None;
    super::answer::walk(scene.run, value, 5, &mut |value| {
        if found.is_none() {
            found = value.taint.clone().filter(|taint| names::is_part_of_message(&taint.name));
        }
    });
    found
}

/// Whether rows, columns of them or a query are in an argument.
fn has_rows(scene: &Scene<'_, '_>, value: &Value) -> bool {
    let mut found = false;
    super::answer::walk(scene.run, value, 5, &mut |value| {
        found |= match &value.kind {
            Kind::Column(..) => true,
            Kind::Object(id) => matches!(scene.run.heap.get(*id).shape, Shape::Row(_) | Shape::Query(_)),
            _ => false,
        };
    });
    found
}

/// Whether a message says to whom it goes, and code or environment alone name who that is.
fn has_fixed_recipient(scene: &Scene<'_, '_>, value: &Value) -> bool {
    let mut named = Vec::new();
    recipients(scene, value, 4, &mut named);
    !named.is_empty() && named.iter().all(|one| is_written_in_code(scene, one))
}

/// Whether a value is made of texts of the code and of its environment alone.
fn is_written_in_code(scene: &Scene<'_, '_>, value: &Value) -> bool {
    let mut is = true;
    super::answer::walk(scene.run, value, 4, &mut |part| {
        is &= part.taint.is_none()
            && match &part.kind {
                Kind::Text(_) | Kind::Joined(_) | Kind::OneOf(_) | Kind::Bool(_) | Kind::Number(_) => true,
                Kind::Object(_) => !has_rows(scene, part),
                Kind::Path(path) => path.starts_with("process.env."),
                _ => false,
            };
    });
    is
}

/// What stands in an argument under the names that recipients have.
fn recipients<'s>(scene: &'s Scene<'_, '_>, value: &'s Value, depth: usize, found: &mut Vec<&'s Value>) {
    const NAMES: [&str; 8] = ["to", "To", "cc", "bcc", "recipient", "recipients", "toEmail", "ToAddresses"];
    let (Some(id), true) = (value.as_object(), depth > 0) else { return };
    let object = scene.run.heap.get(id);
    for (name, inner) in &object.props {
        if NAMES.contains(&&**name) { found.push(inner) } else { recipients(scene, inner, depth - 1, found) }
    }
    object.items.iter().chain(&object.rest).for_each(|inner| recipients(scene, inner, depth - 1, found));
}

/// The first value of the client in an argument, also in what selected rows inside it.
pub fn deep_taint(scene: &Scene<'_, '_>, value: &Value) -> Option<Arc<Taint>> {
    let mut found = None;
    super::answer::walk(scene.run, value, 5, &mut |value| {
        if found.is_none() {
            found = value.taint.clone().or_else(|| scene.run.selecting_taint(value));
        }
    });
    found
}
