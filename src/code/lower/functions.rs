//! Functions and their parameters.

use super::{Lowering, number};
use crate::code::parser::TreeSpan;
use crate::code::parser::ast::{ArrowFunctionBody, ArrowFunctionExpression, FormalParameters, Function};
use crate::model::unit::{Expr, ExprKind, FunctionId, Name, Param, Pattern, Stmt, StmtKind};

impl Lowering<'_> {
    /// A function; `None` if it has no body, as a signature.
    pub(super) fn function(&mut self, function: &Function<'_>, given_to: Option<Name>) -> Option<FunctionId> {
        let body = function.body.as_ref().filter(|_| !function.declare)?;
        let own = function.id.as_ref().map(|id| self.name(&id.name));
        let id = self.new_function(own.or(given_to), function.span);
        let params = self.params(&function.params);
        let mut statements = self.fields_of_params(&function.params);
        statements.extend(self.statements(&body.statements));
        if let Some(made) = self.unit.functions.get_mut(id.0 as usize) {
            made.params = params;
            made.body = statements;
            made.is_async = function.r#async;
        }
        Some(id)
    }

    pub(super) fn arrow(&mut self, arrow: &ArrowFunctionExpression<'_>, given_to: Option<Name>) -> FunctionId {
        let id = self.new_function(given_to, arrow.span);
        let params = self.params(&arrow.params);
        let body = match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => self.statements(&body.statements),
            other => {
                let value = other.as_expression().map(|value| self.expr(value));
                let span = value.as_ref().map(|value| value.span).unwrap_or_default();
                vec![Stmt { kind: StmtKind::Return(value), span }]
            }
        };
        if let Some(made) = self.unit.functions.get_mut(id.0 as usize) {
            made.params = params;
            made.body = body;
            made.is_async = arrow.r#async;
            made.is_arrow = true;
        }
        id
    }

    /// A function whose number stands before those inside it.
    fn new_function(&mut self, name: Option<Name>, span: TreeSpan) -> FunctionId {
        let id = FunctionId(number(self.unit.functions.len()));
        let function = crate::model::unit::Function { name, span: self.span(span), ..Default::default() };
        self.unit.functions.push(function);
        id
    }

    fn params(&mut self, params: &FormalParameters<'_>) -> Vec<Param> {
        let mut made = Vec::with_capacity(params.items.len());
        for param in &params.items {
            let mut pattern = self.binding(&param.pattern);
            if let Some(default) = &param.initializer {
                pattern = self.with_default(pattern, default);
            }
            made.push(Param { pattern, rest: false });
        }
        if let Some(rest) = &params.rest {
            made.push(Param { pattern: self.binding(&rest.rest.argument), rest: true });
        }
        made
    }

    /// `this.name = name` for each `constructor(private name: Type)`.
    fn fields_of_params(&mut self, params: &FormalParameters<'_>) -> Vec<Stmt> {
        let mut fields = Vec::new();
        for param in params.items.iter().filter(|param| param.accessibility.is_some() || param.readonly) {
            let Pattern::Name(name, _) = self.binding(&param.pattern) else { continue };
            let of = |kind| Expr { kind, span: self.span(param.span) };
            let target = ExprKind::Member(Box::new(of(ExprKind::This)), name.clone());
            let target = Box::new(Pattern::Member(Box::new(of(target))));
            let assign = ExprKind::Assign(target, Box::new(of(ExprKind::Name(name))));
            fields.push(Stmt { kind: StmtKind::Expr(of(assign)), span: self.span(param.span) });
        }
        fields
    }
}
