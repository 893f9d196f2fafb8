//! Cloud code that looks like real code: features of an app, each in four files, with
//! guards and helpers that all share.

use std::collections::BTreeMap;

use super::Random;

/// Features in an app of size 1: about 1,000 lines.
const FEATURES: u64 = 8;

/// Handlers in an app of size 1.
pub const HANDLERS: u64 = 8 * FEATURES;

const NOUNS: [&str; 12] = [
    "Booking", "Invoice", "Course", "Parcel", "Recipe", "Ticket", "Animal", "Meeting", "Album", "Garden", "Repair",
    "Tour",
];

const GUARDS: [&str; 4] =
    ["guards.requireUser(request);", "await guards.requireStaff(request);", "guards.requireOwner(request);", ""];

const VALIDATORS: [&str; 3] = ["", ", { requireUser: true }", ", { requireMaster: true }"];

const MAIN: &str = "const features = require('./features');

for (const feature of features) {
  feature.register();
}
";

const GUARDS_FILE: &str = "const { MASTER } = require('./lib/options');

exports.requireUser = function (request) {
  if (!request.user) throw new Parse.Error(Parse.Error.INVALID_SESSION_TOKEN, 'sign in first');
  return request.user;
};

exports.requireStaff = async function (request) {
  const user = exports.requireUser(request);
  const roles = new Parse.Query(Parse.Role).equalTo('name', 'staff').equalTo('users', user);
  if (!(await roles.first(MASTER))) {
    throw new Parse.Error(Parse.Error.OPERATION_FORBIDDEN, 'for staff only');
  }
};

exports.requireOwner = function (request) {
  const { user, params } = request;
  if (!user || user.id !== params.owner) {
    throw new Parse.Error(Parse.Error.OPERATION_FORBIDDEN, 'not yours');
  }
};
";

const OPTIONS_FILE: &str = "exports.MASTER = { useMasterKey: true };

exports.session = user => ({ sessionToken: user.getSessionToken() });

exports.page = function (query, { page = 0, size = 20 } = {}) {
  const limit = Math.min(Number(size) || 20, 100);
  return query.limit(limit).skip(limit * Number(page));
};
";

const FUNCTIONS: &str = "const guards = require('../../guards');
const store = require('./store');
const view = require('./view');

exports.register = function () {
  Parse.Cloud.define('list@NOUN@@NUMBER@', async request => {
    @GUARD1@
    const rows = await store.list(request.user, request.params);
    return rows.map(view.short);
  }@VALIDATOR1@);

  Parse.Cloud.define('read@NOUN@@NUMBER@', async request => {
    @GUARD2@
    const row = await store.read(request.params.id);
    if (!row) throw new Parse.Error(Parse.Error.OBJECT_NOT_FOUND, 'no such @NOUN@');
    return view.full(row);
  }@VALIDATOR2@);

  Parse.Cloud.define('change@NOUN@@NUMBER@', async request => {
    @GUARD3@
    const { id, title, note, count } = request.params;
    const row = await store.read(id);
    const changes = {};
    if (title) changes.title = String(title);
    if (note) changes.note = note.trim();
    if (Number(count) > 0 && row.get('open')) {
      changes.count = Number(count);
    } else if (count === 0) {
      changes.open = false;
    }
    try {
      await store.change(row, changes, request.user);
    } catch (error) {
      console.error('change@NOUN@@NUMBER@', error.message);
      throw new Parse.Error(Parse.Error.SCRIPT_FAILED, 'not changed');
    }
    return view.full(row);
  }@VALIDATOR3@);

  Parse.Cloud.define('search@NOUN@@NUMBER@', async ({ params, user }) => {
    const rows = await store.search(params.text, { page: params.page, size: params.size });
    return rows.filter(row => row.get('open') || (user && view.isOf(row, user))).map(view.short);
  }@VALIDATOR4@);

  Parse.Cloud.job('expire@NOUN@@NUMBER@', async ({ message }) => {
    const done = await store.expire(new Date());
    message(`${done} expired`);
  });

  require('./triggers');
};
";

const STORE: &str = "const { MASTER, session, page } = require('../../lib/options');

const @NOUN@ = Parse.Object.extend('@NOUN@@NUMBER@');

async function list(user, { state, ...pages }) {
  const query = new Parse.Query(@NOUN@).descending('createdAt');
  if (state) query.equalTo('state', state);
  if (user) {
    query.equalTo('owner', user);
    return page(query, pages).find(session(user));
  }
  return page(query.equalTo('open', true), pages).find();
}

async function read(id) {
  return new Parse.Query(@NOUN@).include('owner', 'place').get(id, MASTER);
}

async function change(row, changes, user) {
  for (const [column, value] of Object.entries(changes)) {
    row.set(column, value);
  }
  row.set('changedBy', user);
  return row.save(null, MASTER);
}

async function search(text, pages) {
  const titles = new Parse.Query(@NOUN@).matches('title', text, 'i');
  const notes = new Parse.Query(@NOUN@).contains('note', text);
  return page(Parse.Query.or(titles, notes), pages).find(MASTER);
}

async function expire(now) {
  const rows = await new Parse.Query(@NOUN@).lessThan('until', now).equalTo('open', true).find(MASTER);
  rows.forEach(row => row.set('open', false));
  await Parse.Object.saveAll(rows, MASTER);
  return rows.length;
}

module.exports = { list, read, change, search, expire };
";

const VIEW: &str = "const WIDTH = @WIDTH@;

function shorten(text) {
  return text && text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text;
}

exports.short = row => ({ id: row.id, title: shorten(row.get('title')), open: row.get('open') === true });

exports.full = function (row) {
  const owner = row.get('owner');
  return {
    ...exports.short(row),
    note: row.get('note'),
    place: row.get('place') ? row.get('place').get('name') : null,
    owner: owner ? { id: owner.id, name: owner.get('nickname') } : undefined,
  };
};

exports.isOf = (row, user) => row.get('owner') && row.get('owner').id === user.id;
";

const TRIGGERS: &str = "const { MASTER } = require('../../lib/options');

Parse.Cloud.beforeSave('@NOUN@@NUMBER@', async ({ object, user, master, original }) => {
  if (!object.get('title')) throw new Parse.Error(Parse.Error.VALIDATION_ERROR, 'a title is needed');
  if (!original && user) {
    const acl = new Parse.ACL(user);
    acl.setPublicReadAccess(true);
    object.setACL(acl);
    object.set('owner', user);
  }
  if (!master && original && object.dirty('owner')) {
    throw new Parse.Error(Parse.Error.OPERATION_FORBIDDEN, 'the owner stays');
  }
});

Parse.Cloud.afterSave('@NOUN@@NUMBER@', function (request) {
  var place = request.object.get('place');
  if (!place || request.original) return;
  return place.fetch(MASTER).then(function (found) {
    found.increment('uses');
    return found.save(null, MASTER);
  }).catch(function (error) {
    console.error('afterSave @NOUN@', error.message);
  });
});

Parse.Cloud.afterDelete('@NOUN@@NUMBER@', async ({ object }) => {
  const notes = await new Parse.Query('Note').equalTo('about', object.id).find(MASTER);
  await Parse.Object.destroyAll(notes, MASTER);
});
";

/// The files of an app so many times as large as the smallest, by path.
pub fn app(times: u64) -> BTreeMap<String, String> {
    let mut random = Random::new(13);
    let mut files = BTreeMap::from([
        ("package.json".to_owned(), r#"{ "main": "index.js", "dependencies": { "parse-server": "9.10.0" } }"#.to_owned()),
        (
            "index.js".to_owned(),
            "const { ParseServer } = require('parse-server');\n\nnew ParseServer({ cloud: './cloud/main.js' }).start();\n"
                .to_owned(),
        ),
        ("cloud/main.js".to_owned(), MAIN.to_owned()),
        ("cloud/guards.js".to_owned(), GUARDS_FILE.to_owned()),
        ("cloud/lib/options.js".to_owned(), OPTIONS_FILE.to_owned()),
    ]);
    let mut list = String::from("module.exports = [\n");
    for number in 0..times * FEATURES {
        let folder = format!("feature{number:04}");
        list.push_str(&format!("  require('./{folder}'),\n"));
        let noun = random.one(&NOUNS);
        for (name, text) in [("index", FUNCTIONS), ("store", STORE), ("view", VIEW), ("triggers", TRIGGERS)] {
            let text = filled(text, noun, number, &mut random);
            files.insert(format!("cloud/features/{folder}/{name}.js"), text);
        }
    }
    list.push_str("];\n");
    files.insert("cloud/features/index.js".to_owned(), list);
    files
}

/// A text with a noun, a number, and guards and validators as chance has it.
fn filled(text: &str, noun: &str, number: u64, random: &mut Random) -> String {
    let mut text = text
        .replace("@NOUN@", noun)
        .replace("@NUMBER@", &number.to_string())
        .replace("@WIDTH@", &(40 + random.below(80)).to_string());
    for place in ["@GUARD1@", "@GUARD2@", "@GUARD3@"] {
        text = text.replace(place, random.one(&GUARDS));
    }
    for place in ["@VALIDATOR1@", "@VALIDATOR2@", "@VALIDATOR3@", "@VALIDATOR4@"] {
        text = text.replace(place, random.one(&VALIDATORS));
    }
    text
}
