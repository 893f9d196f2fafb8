//! Statements.

use super::Lowering;
use crate::code::parser::ast::{
    Declaration, Expression, ForStatementInit, ForStatementLeft, Statement, TSEnumDeclaration, TSEnumMemberName,
    TSModuleReference, TSNamespaceDeclaration, TSNamespaceDeclarationBody, TryStatement, VariableDeclaration,
};
use crate::code::parser::{GetSpan, TreeSpan};
use crate::model::unit::{Expr, ExprKind, Import, Imported, Name, Pattern, Prop, PropKey, Stmt, StmtKind};

impl Lowering<'_> {
    /// The statements of a body or block.
    pub(super) fn statements(&mut self, statements: &[Statement<'_>]) -> Vec<Stmt> {
        let mut done = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, &mut done);
        }
        done
    }

    /// A statement that is not in a list, such as a branch of `if`.
    pub(super) fn branch(&mut self, statement: &Statement<'_>) -> Vec<Stmt> {
        if let Statement::BlockStatement(block) = statement {
            return self.statements(&block.body);
        }
        self.statements(std::slice::from_ref(statement))
    }

    pub(super) fn statement(&mut self, statement: &Statement<'_>, done: &mut Vec<Stmt>) {
        let span = statement.span();
        let kind = match statement {
            Statement::BlockStatement(block) => StmtKind::Block(self.statements(&block.body)),
            Statement::BreakStatement(_) => StmtKind::Break,
            Statement::ContinueStatement(_) => StmtKind::Continue,
            Statement::DebuggerStatement(_) | Statement::EmptyStatement(_) => return,
            Statement::DoWhileStatement(all) => StmtKind::Loop {
                init: Vec::new(),
                body: self.branch(&all.body),
                test: Some(self.expr(&all.test)),
                update: None,
                at_least_once: true,
            },
            Statement::ExpressionStatement(all) => StmtKind::Expr(self.expr(&all.expression)),
            Statement::ForInStatement(all) => self.for_each(&all.left, &all.right, &all.body, true),
            Statement::ForOfStatement(all) => self.for_each(&all.left, &all.right, &all.body, false),
            Statement::ForStatement(all) => {
                let mut init = Vec::new();
                match &all.init {
                    Some(ForStatementInit::VariableDeclaration(variables)) => self.variables(variables, &mut init),
                    Some(first) => {
                        let first = first.as_expression().map(|first| self.expr(first));
                        init.extend(first.map(|first| Stmt { span: first.span, kind: StmtKind::Expr(first) }));
                    }
                    None => {}
                }
                StmtKind::Loop {
                    init,
                    test: all.test.as_ref().map(|test| self.expr(test)),
                    update: all.update.as_ref().map(|update| self.expr(update)),
                    body: self.branch(&all.body),
                    at_least_once: false,
                }
            }
            Statement::IfStatement(all) => {
                let test = self.expr(&all.test);
                let then = self.branch(&all.consequent);
                let other = all.alternate.as_ref().map(|other| self.branch(other));
                StmtKind::If(test, then, other.unwrap_or_default())
            }
            Statement::LabeledStatement(all) => StmtKind::Block(self.branch(&all.body)),
            Statement::ReturnStatement(all) => StmtKind::Return(all.argument.as_ref().map(|value| self.expr(value))),
            Statement::SwitchStatement(all) => {
                let value = self.expr(&all.discriminant);
                let cases = all.cases.iter().map(|case| {
                    let test = case.test.as_ref().map(|test| self.expr(test));
                    (test, self.statements(&case.consequent))
                });
                StmtKind::Switch(value, cases.collect())
            }
            Statement::ThrowStatement(all) => StmtKind::Throw(self.expr(&all.argument)),
            Statement::TryStatement(all) => self.try_statement(all),
            Statement::WhileStatement(all) => StmtKind::Loop {
                init: Vec::new(),
                test: Some(self.expr(&all.test)),
                update: None,
                body: self.branch(&all.body),
                at_least_once: false,
            },
            Statement::WithStatement(all) => {
                let object = self.expr(&all.object);
                let mut block = vec![Stmt { span: object.span, kind: StmtKind::Expr(object) }];
                block.extend(self.branch(&all.body));
                StmtKind::Block(block)
            }
            other => {
                if let Some(declaration) = other.as_declaration() {
                    self.declaration(declaration, done);
                } else if let Some(module) = other.as_module_declaration() {
                    self.module_declaration(module, done);
                }
                return;
            }
        };
        done.push(self.stmt(kind, span));
    }

    fn for_each(
        &mut self,
        left: &ForStatementLeft<'_>,
        over: &Expression<'_>,
        body: &Statement<'_>,
        keys: bool,
    ) -> StmtKind {
        let pattern = match left {
            ForStatementLeft::VariableDeclaration(variables) => {
                variables.declarations.first().map(|variable| self.binding(&variable.id))
            }
            other => other.as_assignment_target().map(|target| self.target(target)),
        };
        let over = self.expr(over);
        StmtKind::ForEach { pattern: pattern.unwrap_or(Pattern::Nothing), over, keys, body: self.branch(body) }
    }

    fn try_statement(&mut self, all: &TryStatement<'_>) -> StmtKind {
        let body = self.statements(&all.block.body);
        let caught = all.handler.as_ref().and_then(|handler| handler.param.as_ref());
        StmtKind::Try {
            body,
            caught: caught.map(|caught| self.binding(&caught.pattern)),
            handler: all.handler.as_ref().map(|handler| self.statements(&handler.body.body)),
            finally: all.finalizer.as_ref().map(|last| self.statements(&last.body)).unwrap_or_default(),
        }
    }

    /// A declaration; those of types, and of what is only said to be elsewhere, are left out.
    pub(super) fn declaration(&mut self, declaration: &Declaration<'_>, done: &mut Vec<Stmt>) {
        let span = declaration.span();
        match declaration {
            Declaration::VariableDeclaration(variables) => self.variables(variables, done),
            Declaration::FunctionDeclaration(function) => {
                if let Some(id) = self.function(function, None) {
                    done.push(self.stmt(StmtKind::Function(id), span));
                }
            }
            Declaration::ClassDeclaration(class) if !class.declare => {
                self.decorators(class, done);
                let id = self.class(class, None);
                done.push(self.stmt(StmtKind::Class(id), span));
            }
            Declaration::TSEnumDeclaration(all) if !all.declare => {
                let object = self.enumeration(all);
                let pattern = Pattern::Name(self.name(&all.id.name), self.span(all.id.span));
                done.push(self.stmt(StmtKind::Let(pattern, Some(object)), span));
            }
            Declaration::TSNamespaceDeclaration(all) if !all.declare => self.namespace(all, done),
            Declaration::TSImportEqualsDeclaration(all) if all.import_kind.is_value() => {
                let local = self.name(&all.id.name);
                let span = self.span(span);
                if let TSModuleReference::ExternalModuleReference(module) = &all.module_reference {
                    let from = self.name(&module.expression.value);
                    self.unit.imports.push(Import { local: Some(local), what: Imported::Namespace, from, span });
                } else if let Some(value) = self.reference(&all.module_reference) {
                    let pattern = Pattern::Name(local, self.span(all.id.span));
                    done.push(Stmt { kind: StmtKind::Let(pattern, Some(value)), span });
                }
            }
            Declaration::ClassDeclaration(_)
            | Declaration::TSEnumDeclaration(_)
            | Declaration::TSNamespaceDeclaration(_)
            | Declaration::TSImportEqualsDeclaration(_)
            | Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => {}
        }
    }

    fn variables(&mut self, variables: &VariableDeclaration<'_>, done: &mut Vec<Stmt>) {
        if variables.declare {
            return;
        }
        for variable in &variables.declarations {
            let pattern = self.binding(&variable.id);
            let value = variable.init.as_ref().map(|value| self.given(name_of(&pattern), value));
            done.push(self.stmt(StmtKind::Let(pattern, value), variable.span));
        }
    }

    /// `A.B.C` of `import x = A.B.C`.
    fn reference(&mut self, reference: &TSModuleReference<'_>) -> Option<Expr> {
        let mut parts = Vec::new();
        let mut left = match reference {
            TSModuleReference::QualifiedName(name) => {
                parts.push((self.name(&name.right.name), name.span));
                Some(&name.left)
            }
            TSModuleReference::IdentifierReference(name) => {
                let kind = ExprKind::Name(self.name(&name.name));
                return Some(self.made(kind, name.span));
            }
            TSModuleReference::ExternalModuleReference(_) => return None,
        };
        let mut whole = None;
        while let Some(name) = left.take() {
            use crate::code::parser::ast::TSTypeName;
            match name {
                TSTypeName::QualifiedName(name) => {
                    parts.push((self.name(&name.right.name), name.span));
                    left = Some(&name.left);
                }
                TSTypeName::IdentifierReference(name) => {
                    let kind = ExprKind::Name(self.name(&name.name));
                    whole = Some(self.made(kind, name.span));
                }
                TSTypeName::ThisExpression(this) => whole = Some(self.made(ExprKind::This, this.span)),
            }
        }
        let member = |whole: Expr, (name, span): (Name, TreeSpan)| {
            let kind = ExprKind::Member(Box::new(whole), name);
            self.made(kind, span)
        };
        whole.map(|whole| parts.into_iter().rev().fold(whole, member))
    }

    /// An object with the members; names that stand for numbers only.
    fn enumeration(&mut self, all: &TSEnumDeclaration<'_>) -> Expr {
        let mut next = Some(0.0);
        let mut props = Vec::new();
        for member in &all.body.members {
            let key = match &member.id {
                TSEnumMemberName::Identifier(name) => self.name(&name.name),
                TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => self.name(&text.value),
                TSEnumMemberName::ComputedTemplateString(_) => self.name(&member.id.static_name()),
            };
            let value = match (&member.initializer, next) {
                (Some(value), _) => self.expr(value),
                (None, Some(number)) => self.made(ExprKind::Number(number), member.span),
                (None, None) => self.made(ExprKind::Other(Vec::new()), member.span),
            };
            next = match value.kind {
                ExprKind::Number(number) => Some(number + 1.0),
                _ => None,
            };
            props.push(Prop::Value(PropKey::Name(key), value));
        }
        self.made(ExprKind::Object(props), all.span)
    }

    /// A namespace: a variable, and a block that gives it an object with what is exported.
    fn namespace(&mut self, all: &TSNamespaceDeclaration<'_>, done: &mut Vec<Stmt>) {
        let mut block = Vec::new();
        let mut exported = Vec::new();
        match &all.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.namespace(inner, &mut block);
                exported.push(self.name(&inner.id.name));
            }
            TSNamespaceDeclarationBody::TSModuleBlock(body) => {
                for statement in &body.body {
                    if let Statement::ExportDeclaration(export) = statement {
                        self.declaration(&export.declaration, &mut block);
                        exported.extend(self.declared(&export.declaration));
                    } else {
                        self.statement(statement, &mut block);
                    }
                }
            }
        }
        if block.is_empty() {
            return;
        }
        let (name, at) = (self.name(&all.id.name), all.id.span);
        let props = exported.into_iter().map(|name| {
            let value = self.made(ExprKind::Name(name.clone()), at);
            Prop::Value(PropKey::Name(name), value)
        });
        let object = self.made(ExprKind::Object(props.collect()), at);
        let variable = Pattern::Name(name, self.span(at));
        let assign = self.made(ExprKind::Assign(Box::new(variable.clone()), Box::new(object)), at);
        block.push(self.stmt(StmtKind::Expr(assign), at));
        done.push(self.stmt(StmtKind::Let(variable, None), at));
        done.push(self.stmt(StmtKind::Block(block), all.span));
    }
}

/// The variable of a pattern that is nothing but one.
pub(super) fn name_of(pattern: &Pattern) -> Option<Name> {
    match pattern {
        Pattern::Name(name, _) => Some(name.clone()),
        Pattern::Default(pattern, _) => name_of(pattern),
        Pattern::Object { .. } | Pattern::Array { .. } | Pattern::Member(_) | Pattern::Nothing => None,
    }
}
