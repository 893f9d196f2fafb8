//! Which classes GraphQL shows, if it is mounted.

use serde_json::json;

use crate::live::Answers;

use super::answer::{is_what_was_asked, understood};
use super::{Missing, Server};

impl Server {
    /// Asks for it. Of a server that does not know the path, or a proxy that keeps it closed, nothing is said.
    ///
    /// Source: Parse Server 9.10.0, `GraphQLRouter.js` and `ParseGraphQLController.js` (`getGraphQLConfig`): it answers with
    /// what was set, with nothing in it if nothing was.
    pub(super) fn graphql(&self, answers: &mut Answers) {
        const PATH: &str = "graphql-config";
        let missing = match self.ask_plainly(PATH) {
            Ok(answer) if (400..500).contains(&answer.status) => return,
            Ok(answer) => match understood(&answer) {
                Ok(config) if is_what_was_asked(PATH, &config) => {
                    let row = json!({ "config": config });
                    answers.documents.extend(self.document(PATH, "_GraphQLConfig.json", &row));
                    return;
                }
                Ok(_) => Missing::This("it answers with something else than it was asked for".to_owned()),
                Err(missing) => missing,
            },
            Err(missing) => missing,
        };
        self.miss(answers, PATH, &missing.words(), "classes that GraphQL shows were not checked");
    }
}
