//! A file of code as plain data: functions, statements and expressions with their
//! places. Made by `code::lower`; nothing of it is ever run.
//!
//! Types are gone, and so is every form that means the same as another one: a method
//! is a function, an enum is an object.

use std::sync::Arc;

use super::place::{FileId, Span};

/// A name or a text of a unit. Equal names of a unit share their memory.
pub type Name = Arc<str>;

/// A file of code.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unit {
    /// The file.
    pub file: FileId,
    /// Path from the audited folder, with `/`.
    pub path: String,
    /// All functions; the first is the body of the file itself.
    pub functions: Vec<Function>,
    /// All classes.
    pub classes: Vec<ClassBody>,
    /// `import` declarations, in order; those of types are left out.
    pub imports: Vec<Import>,
    /// `export` declarations, in order; those of types are left out.
    pub exports: Vec<Export>,
    /// Whether what it declares stays inside: an ES module or CommonJS with `require` or `exports`.
    pub is_module: bool,
}

/// The number of a function in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// The number of a class in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// A function, method, arrow function, accessor, or the body of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Function {
    /// Its own name, or that of the variable or property it is given to.
    pub name: Option<Name>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its statements; an arrow function with an expression has one `Return`.
    pub body: Vec<Stmt>,
    /// Whether calling it gives a promise.
    pub is_async: bool,
    /// Whether `this` is that of the code around it.
    pub is_arrow: bool,
    /// From its first to its last byte.
    pub span: Span,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// What it binds.
    pub pattern: Pattern,
    /// Whether it takes all further arguments.
    pub rest: bool,
}

/// What a value is bound or assigned to.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// A variable.
    Name(Name, Span),
    /// `{ a, b: c, [d]: e, ...rest }`.
    Object {
        /// Key and what it binds.
        props: Vec<(PropKey, Pattern)>,
        /// What takes the properties that are left.
        rest: Option<Box<Pattern>>,
    },
    /// `[a, , b, ...rest]`.
    Array {
        /// Elements; `None` is a hole.
        items: Vec<Option<Pattern>>,
        /// What takes the elements that are left.
        rest: Option<Box<Pattern>>,
    },
    /// `pattern = default`.
    Default(Box<Pattern>, Box<Expr>),
    /// A member: `a.b`, `a[b]`. Only in assignments.
    Member(Box<Expr>),
    /// Something that binds nothing.
    Nothing,
}

/// The key of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum PropKey {
    /// A name, text or number that is written there.
    Name(Name),
    /// `[expression]`.
    Computed(Box<Expr>),
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Its place.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// An expression.
    Expr(Expr),
    /// `var`, `let` or `const` of one pattern; without a value the variable is only declared.
    Let(Pattern, Option<Expr>),
    /// A function declaration, which counts from the start of its block.
    Function(FunctionId),
    /// A class declaration.
    Class(ClassId),
    /// `return`.
    Return(Option<Expr>),
    /// `throw`.
    Throw(Expr),
    /// `if`.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `for (init; test; update)`, `while`, `do`.
    Loop {
        /// What is done first.
        init: Vec<Stmt>,
        /// Tested before each round.
        test: Option<Expr>,
        /// Done after each round.
        update: Option<Expr>,
        /// The round.
        body: Vec<Stmt>,
        /// Whether the first round is not tested.
        at_least_once: bool,
    },
    /// `for (pattern of value)`, `for (pattern in value)`.
    ForEach {
        /// What each element or key is bound to.
        pattern: Pattern,
        /// What is walked through.
        over: Expr,
        /// Whether keys are meant: `in`.
        keys: bool,
        /// The round.
        body: Vec<Stmt>,
    },
    /// `switch`; `None` is `default`.
    Switch(Expr, Vec<(Option<Expr>, Vec<Stmt>)>),
    /// `try`.
    Try {
        /// What is tried.
        body: Vec<Stmt>,
        /// The variable of `catch`.
        caught: Option<Pattern>,
        /// `catch`.
        handler: Option<Vec<Stmt>>,
        /// `finally`.
        finally: Vec<Stmt>,
    },
    /// A block, also a labelled statement's.
    Block(Vec<Stmt>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// An argument or element.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// The value.
    pub value: Expr,
    /// Whether it stands for all its elements: `...value`.
    pub spread: bool,
}

/// A part of an object literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Prop {
    /// `key: value`; methods and accessors too.
    Value(PropKey, Expr),
    /// `...value`.
    Spread(Expr),
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A variable.
    Name(Name),
    /// `this`.
    This,
    /// `super`.
    Super,
    /// A text.
    Text(Name),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `undefined` and `void x`.
    Undefined,
    /// A regular expression: its pattern.
    Regex(Name),
    /// A template: texts (as `Text`) and values in order.
    Template(Vec<Expr>),
    /// `object.name`.
    Member(Box<Expr>, Name),
    /// `object[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `callee(args)`.
    Call(Box<Expr>, Vec<Arg>),
    /// `new callee(args)`.
    New(Box<Expr>, Vec<Arg>),
    /// `import(path)`.
    Import(Box<Expr>),
    /// `{ … }`.
    Object(Vec<Prop>),
    /// `[ … ]`.
    Array(Vec<Arg>),
    /// A function.
    Function(FunctionId),
    /// A class.
    Class(ClassId),
    /// `target = value`.
    Assign(Box<Pattern>, Box<Expr>),
    /// `target += value` and the like; `++` and `--` add the number 1.
    Update(Box<Expr>, Binary, Box<Expr>),
    /// `!value`.
    Not(Box<Expr>),
    /// `typeof value`.
    Typeof(Box<Expr>),
    /// `-value`, `+value`, `~value`: a number.
    Numeric(Box<Expr>),
    /// `delete value`.
    Delete(Box<Expr>),
    /// `a + b + c`: numbers or texts, of any length.
    Sum(Vec<Expr>),
    /// `left operator right`, but for `+`.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `left && right`.
    And(Box<Expr>, Box<Expr>),
    /// `left || right`.
    Or(Box<Expr>, Box<Expr>),
    /// `left ?? right`.
    Coalesce(Box<Expr>, Box<Expr>),
    /// `test ? then : other`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a, b`.
    Sequence(Vec<Expr>),
    /// `await value`.
    Await(Box<Expr>),
    /// The object in `object?.name`, which may be missing.
    Maybe(Box<Expr>),
    /// `yield value`.
    Yield(Box<Expr>),
    /// Something else, made of these.
    Other(Vec<Expr>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `+`, in `Update` only.
    Add,
    /// `==` and `===`.
    Equal,
    /// `!=` and `!==`.
    Unequal,
    /// `<`, `<=`.
    Less,
    /// `>`, `>=`.
    Greater,
    /// `in`.
    In,
    /// `instanceof`.
    InstanceOf,
    /// Arithmetic and bits: the result is a number.
    Arithmetic,
    /// `||=`, `&&=` and `??=`, in `Update` only: the old or the new value.
    Either,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassBody {
    /// Its name.
    pub name: Option<Name>,
    /// What it extends.
    pub extends: Option<Expr>,
    /// The constructor.
    pub constructor: Option<FunctionId>,
    /// Methods and accessors.
    pub methods: Vec<Method>,
    /// Fields with their value.
    pub fields: Vec<Field>,
    /// `static { … }` blocks.
    pub blocks: Vec<Stmt>,
    /// Its place.
    pub span: Span,
}

/// A method or accessor.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Its name.
    pub key: PropKey,
    /// Its code.
    pub function: FunctionId,
    /// Whether it belongs to the class itself.
    pub is_static: bool,
    /// Whether reading the property runs it: `get`.
    pub is_getter: bool,
}

/// A field of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub key: PropKey,
    /// Its value.
    pub value: Option<Expr>,
    /// Whether it belongs to the class itself.
    pub is_static: bool,
}

/// One name of an `import` declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The variable; `None` if the module is only run.
    pub local: Option<Name>,
    /// What it stands for.
    pub what: Imported,
    /// The module as written.
    pub from: Name,
    /// The place of the declaration.
    pub span: Span,
}

/// What an import stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// `import x from`.
    Default,
    /// `import * as x from`, `import x = require()`.
    Namespace,
    /// `import { name as x } from`.
    Named(Name),
    /// `import 'module'`.
    Nothing,
}

/// One name of an `export` declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum Export {
    /// `export { local as name }`, `export const name`; `export default expression` binds
    /// the variable `*default*` in the body and exports it as `default`.
    Local {
        /// The name outside.
        name: Name,
        /// The variable inside.
        local: Name,
    },
    /// `export { imported as name } from`, `export * as name from`.
    From {
        /// The name outside.
        name: Name,
        /// What is exported.
        what: Imported,
        /// The module as written.
        from: Name,
    },
    /// `export * from`.
    All {
        /// The module as written.
        from: Name,
    },
}

impl Unit {
    /// The function with a number; the numbers of a unit are its own.
    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.functions.get(id.0 as usize)
    }

    /// The class with a number; the numbers of a unit are its own.
    pub fn class(&self, id: ClassId) -> Option<&ClassBody> {
        self.classes.get(id.0 as usize)
    }
}
