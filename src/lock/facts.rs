//! All facts of an app, room by room.

use crate::model::{Known, Why};

use super::{FORMAT, INDEXES, Making};

impl Making<'_> {
    /// Everything.
    pub(super) fn all(&mut self) {
        let subject = self.subject;
        self.put(&["lock", "format"], FORMAT);
        self.put(&["lock", "environment"], subject.environment);
        if let Some(name) = subject.name {
            self.put(&["lock", "app"], name);
        }
        for class in subject.app.classes.values().filter(|class| !class.name.is_join()) {
            self.class(class);
        }
        if subject.app.classes.is_empty() {
            self.not_read(&["classes"], "no schema was found");
        }
        if !self.some_indexes_are_known() {
            self.not_read(&[INDEXES], Why::NotAsked);
        }
        self.roles();
        self.server();
        self.code();
        self.stored();
    }

    /// Webhooks and the parameters of the configuration.
    fn stored(&mut self) {
        match &self.subject.app.webhooks {
            Known::Read(webhooks) => {
                for webhook in webhooks {
                    let origin = format!("{}://{}", webhook.scheme, webhook.host);
                    self.put(&["webhook", &webhook.trigger], origin);
                }
            }
            Known::Unread(why) => self.not_read(&["webhooks"], why),
        }
        match &self.subject.app.config {
            Known::Read(parameters) => {
                for (name, parameter) in parameters {
                    let readers = if parameter.master_key_only { "master key" } else { "public" };
                    self.put(&["config", name], readers);
                }
            }
            Known::Unread(why) => self.not_read(&["config"], why),
        }
    }
}
