// Reads the ACL of all rows of Order as scripts with the Parse SDK do: sdk.cjs URL APP-ID MASTER-KEY SECONDS
// Prints how many it read, and in how many seconds it did or was ended. 200 rows in one answer is what `each` asks for.
const Parse = require('parse/node');
const [url, appId, masterKey, seconds] = process.argv.slice(2);
Parse.initialize(appId, undefined, masterKey);
Parse.serverURL = url;
const start = Date.now();
let rows = 0;
let open = 0;
const took = () => (Date.now() - start) / 1000;
const end = () => {
  console.log(`${rows} ${took()}`);
  process.exit(0);
};
new Parse.Query('Order')
  .each(
    row => {
      rows += 1;
      const acl = row.getACL();
      if (!acl || acl.getPublicReadAccess()) open += 1;
      if (took() > Number(seconds)) end();
    },
    { useMasterKey: true, batchSize: 1000 }
  )
  .then(end, error => {
    console.error(error.message);
    process.exit(1);
  });
