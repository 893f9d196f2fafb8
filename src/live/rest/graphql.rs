//! Which classes GraphQL shows, if it is mounted.

use serde_json::json;

use crate::live::Answers;

use super::Server;
use super::answer::formed;

impl Server {
    /// Asks for it. Of a server that does not know the path, or a proxy that keeps it closed, nothing is said.
    ///
    /// Source: Parse Server 9.10.0, `GraphQLRouter.js` and `ParseGraphQLController.js` (`getGraphQLConfig`): it answers with
    /// what was set, with nothing in it if nothing was.
    pub(super) fn graphql(&self, answers: &mut Answers) {
        const PATH: &str = "graphql-config";
        let answer = match self.ask_plainly(PATH) {
            Ok(answer) if (400..500).contains(&answer.status) => return,
            answer => answer.and_then(|answer| formed(PATH, &answer)),
        };
        match answer {
            Ok(config) => {
                let row = json!({ "config": config });
                answers.documents.extend(self.document(PATH, "_GraphQLConfig.json", &row));
            }
            Err(missing) => {
                self.miss(answers, PATH, &missing.words(), "classes that GraphQL shows were not checked");
            }
        }
    }
}
