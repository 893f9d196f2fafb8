// Starts a Parse Server: parse.cjs DATABASE-URI OPTIONS
const fs = require('fs');
const express = require('express');
const { ParseServer, ParseGraphQLServer } = require('parse-server');

const [databaseURI, options] = process.argv.slice(2);

async function main() {
  const server = new ParseServer({
    databaseURI,
    logLevel: 'error',
    logsFolder: null,
    silent: true,
    ...JSON.parse(options),
  });
  await server.start();
  const app = express();
  const { requestLog } = JSON.parse(options);
  if (requestLog) {
    app.use((request, _, next) => {
      const isOurs = (request.get('user-agent') || '').startsWith('parse-audit/');
      if (isOurs) fs.appendFileSync(requestLog, `${request.method} ${request.originalUrl}\n`);
      next();
    });
  }
  app.use('/parse', server.app);
  const { graphQLPath, playgroundPath } = JSON.parse(options);
  if (graphQLPath) {
    const graphQL = new ParseGraphQLServer(server, { graphQLPath, playgroundPath, graphQLPublicIntrospection: true });
    graphQL.applyGraphQL(app);
    graphQL.applyPlayground(app);
  }
  const listening = app.listen(0, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${listening.address().port}/parse`);
  });
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
