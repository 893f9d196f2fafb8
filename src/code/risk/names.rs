//! What names of columns, properties and calls tell.

/// Whether a text has one of these words in it, whatever the case and the signs between.
pub fn has_any(text: &str, words: &[&str]) -> bool {
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// The last name of a dotted one.
pub fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether a column says who somebody is: the author, sender or owner of a row.
pub fn is_identity(column: &str) -> bool {
    let column: String = column.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let column = column.trim_end_matches("objectid").trim_end_matches("id").trim_end_matches("pointer");
    matches!(
        column,
        "user"
            | "from"
            | "fromuser"
            | "sender"
            | "author"
            | "owner"
            | "creator"
            | "createdby"
            | "requester"
            | "postedby"
            | "userfrom"
            | "sentby"
            | "uploader"
            | "reporter"
            | "buyer"
            | "seller"
            | "player"
            | "member"
            | "patient"
            | "customer"
            | "writer"
            | "publisher"
            | "by"
            | "usersent"
            | "sendinguser"
            | "sendername"
            | "fromname"
    )
}

/// Whether a column holds a privilege.
pub fn is_privilege(column: &str) -> bool {
    let name: String = column.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "role"
            | "roles"
            | "isadmin"
            | "admin"
            | "usertype"
            | "accounttype"
            | "plan"
            | "permissions"
            | "permission"
            | "ismoderator"
            | "issuperuser"
            | "superuser"
            | "ispremium"
            | "premium"
            | "isverified"
            | "privilege"
            | "accesslevel"
            | "isstaff"
            | "rolename"
            | "userrole"
    )
}

/// Whether a name is of a password, a code or a token.
pub fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let word = crate::code::run::is_secret_column(last(&lower));
    word || matches!(lower.as_str(), "pwd" | "pass" | "passwd")
}

/// Whether a name is of a short code that is sent to somebody.
pub fn is_one_time_code(name: &str) -> bool {
    let name = last(name).to_ascii_lowercase();
    ["otp", "verificationcode", "verifycode", "smscode", "phonecode", "logincode", "passcode", "pincode_", "resetcode"]
        .iter()
        .any(|word| name.contains(word))
        || matches!(name.as_str(), "code" | "pin")
}

/// Whether a name is of an amount of money or goods.
pub fn is_amount(name: &str) -> bool {
    let name: String = last(name).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["amount", "price", "total", "cost", "lineitems", "unitamount", "subtotal", "fee"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether a name is of what makes a message or a payment: recipient, text, amount.
pub fn is_part_of_message(name: &str) -> bool {
    let last = last(name);
    matches!(last, "to" | "To")
        || last.ends_with("To")
        || has_any(last, &["phone", "mobile", "number", "mail", "recipient", "message", "text", "body", "amount"])
}

/// Whether a column tells how to reach a person, or where they are.
pub fn is_contact(column: &str) -> bool {
    column == "*" || has_any(column, &["mail", "phone", "mobile", "address", "birth", "location", "token", "password"])
}

/// Whether rows of a class are mostly made to be seen by everybody, by its name.
pub fn is_made_public(class: &str) -> bool {
    const WORDS: [&str; 20] = [
        "category",
        "categories",
        "country",
        "countries",
        "city",
        "cities",
        "language",
        "currency",
        "banner",
        "news",
        "faq",
        "article",
        "articles",
        "product",
        "products",
        "tag",
        "tags",
        "genre",
        "brand",
        "version",
    ];
    crate::rules::words::split(class).iter().all(|word| WORDS.contains(&word.as_str()))
}

/// Whether a column holds a stock of value.
pub fn is_balance(name: &str) -> bool {
    has_any(
        name,
        &["balance", "credit", "coins", "points", "quota", "wallet", "tokens", "stock", "inventory", "budget"],
    )
}

/// Whether a class holds people, keys or privileges.
pub fn is_of_people(class: Option<&str>) -> bool {
    matches!(class, Some("_User" | "_Role" | "_Session" | "_Installation"))
}

/// Whether the name of a handler says that somebody signs up or in, or asks for a new password.
pub fn is_entrance(handler: &str) -> bool {
    has_any(
        handler,
        &[
            "signup",
            "signin",
            "login",
            "logon",
            "register",
            "registration",
            "createaccount",
            "createuser",
            "newuser",
            "forgotpassword",
            "resetpassword",
            "requestpassword",
            "verifyemail",
            "otp",
            "verifyphone",
            "phonecode",
            "authenticate",
            "checkuser",
            "checkemail",
            "checkusername",
            "userexists",
            "isavailable",
            "emailexists",
        ],
    )
}

/// Whether the name of a handler says that a password is sent to it.
pub fn takes_password(handler: &str) -> bool {
    has_any(handler, &["login", "signin", "signup", "register", "createuser", "changepassword", "resetpassword"])
}

/// Whether the name of a handler says that it is for administrators: one of its words does.
pub fn is_admin_work(handler: &str) -> bool {
    const WORDS: [&str; 23] = [
        "admin",
        "ban",
        "unban",
        "suspend",
        "unsuspend",
        "approve",
        "disapprove",
        "migrate",
        "migration",
        "purge",
        "cleanup",
        "wipe",
        "truncate",
        "backfill",
        "promote",
        "demote",
        "impersonate",
        "moderate",
        "blacklist",
        "maintenance",
        "reindex",
        "unblock",
        "deactivate",
    ];
    let words = crate::rules::words::split(handler);
    let pairs = |first: &str, second: &[&str]| {
        words.windows(2).any(|pair| matches!(pair, [a, b] if a == first && second.contains(&b.as_str())))
    };
    words.iter().any(|word| WORDS.contains(&word.as_str()))
        || pairs("clean", &["up"])
        || pairs("delete", &["all", "user", "users"])
        || pairs("remove", &["all", "user", "users"])
        || pairs("reset", &["all"])
}

/// Whether the name of a handler says that a payment provider or another service calls it.
pub fn is_webhook(handler: &str) -> bool {
    has_any(
        handler,
        &[
            "webhook",
            "ipn",
            "paymentcallback",
            "paymentnotification",
            "callbackpayment",
            "onpayment",
            "paymentresponse",
        ],
    )
}
