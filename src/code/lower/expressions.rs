//! Expressions.

use super::Lowering;
use super::classes::name_of;
use crate::code::parser::ast::{
    Argument, ArrayExpression, ArrayExpressionElement, AssignmentExpression, AssignmentOperator, AssignmentTarget,
    BinaryOperator, CallExpression, ChainElement, ComputedMemberExpression, Expression, MemberExpression,
    ObjectExpression, ObjectPropertyKind, PrivateFieldExpression, StaticMemberExpression, TemplateLiteral,
    UnaryExpression, UnaryOperator,
};
use crate::code::parser::{GetSpan, TreeSpan};
use crate::model::unit::{Arg, Binary, Expr, ExprKind, Name, Pattern, Prop};

mod chains;
mod markup;

impl Lowering<'_> {
    pub(super) fn expr(&mut self, expr: &Expression<'_>) -> Expr {
        // Only this expression itself is given to it, not what is inside.
        let given_to = self.given_to.take();
        let span = expr.span();
        let kind = match expr {
            Expression::BooleanLiteral(literal) => ExprKind::Bool(literal.value),
            Expression::NullLiteral(_) => ExprKind::Null,
            Expression::NumericLiteral(literal) => ExprKind::Number(literal.value),
            Expression::BigIntLiteral(literal) => ExprKind::Number(literal.value.parse().unwrap_or(f64::NAN)),
            Expression::RegExpLiteral(literal) => ExprKind::Regex(self.name(&literal.regex.pattern.text)),
            Expression::StringLiteral(literal) => ExprKind::Text(self.name(&literal.value)),
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::Identifier(name) if name.name == "undefined" => ExprKind::Undefined,
            Expression::Identifier(name) => ExprKind::Name(self.name(&name.name)),
            Expression::Super(_) => ExprKind::Super,
            Expression::ThisExpression(_) => ExprKind::This,
            Expression::ArrayExpression(array) => self.array(array),
            Expression::ObjectExpression(object) => self.object(object),
            Expression::ArrowFunctionExpression(arrow) => ExprKind::Function(self.arrow(arrow, given_to)),
            Expression::FunctionExpression(function) => match self.function(function, given_to) {
                Some(id) => ExprKind::Function(id),
                None => ExprKind::Other(Vec::new()),
            },
            Expression::ClassExpression(class) => ExprKind::Class(self.class(class, given_to)),
            Expression::AssignmentExpression(assign) => self.assignment(assign),
            Expression::AwaitExpression(all) => ExprKind::Await(self.boxed(&all.argument)),
            Expression::YieldExpression(all) => {
                let nothing = || Box::new(self.made(ExprKind::Undefined, span));
                ExprKind::Yield(match &all.argument {
                    Some(value) => self.boxed(value),
                    None => nothing(),
                })
            }
            Expression::BinaryExpression(binary) => return self.binary(binary),
            Expression::LogicalExpression(logical) => return self.logical(logical),
            Expression::PrivateInExpression(all) => {
                let name = ExprKind::Text(self.private(&all.left.name));
                let name = Box::new(self.made(name, all.left.span));
                ExprKind::Binary(Binary::In, name, self.boxed(&all.right))
            }
            Expression::ConditionalExpression(all) => {
                ExprKind::Conditional(self.boxed(&all.test), self.boxed(&all.consequent), self.boxed(&all.alternate))
            }
            Expression::UnaryExpression(unary) => self.unary(unary),
            Expression::UpdateExpression(update) => {
                let target = self.simple_target(&update.argument);
                let one = self.made(ExprKind::Number(1.0), span);
                ExprKind::Update(Box::new(target), Binary::Add, Box::new(one))
            }
            Expression::SequenceExpression(all) => {
                ExprKind::Sequence(all.expressions.iter().map(|part| self.expr(part)).collect())
            }
            Expression::CallExpression(call) => return self.call(call),
            Expression::NewExpression(new) => {
                let callee = self.boxed(&new.callee);
                ExprKind::New(callee, self.args(&new.arguments))
            }
            Expression::ImportExpression(import) => ExprKind::Import(self.boxed(&import.source)),
            Expression::TaggedTemplateExpression(tagged) => {
                let tag = self.boxed(&tagged.tag);
                let value = ExprKind::Template(self.parts(&tagged.quasi));
                let value = self.made(value, tagged.quasi.span);
                ExprKind::Call(tag, vec![Arg { value, spread: false }])
            }
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::CallExpression(call) => return self.call(call),
                ChainElement::TSNonNullExpression(inner) => return self.expr(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => return self.any_member(member),
                    None => ExprKind::Other(Vec::new()),
                },
            },
            Expression::StaticMemberExpression(member) => return self.member(member),
            Expression::ComputedMemberExpression(member) => return self.index(member),
            Expression::PrivateFieldExpression(member) => return self.private_member(member),
            Expression::ParenthesizedExpression(inner) => return self.given(given_to, &inner.expression),
            Expression::TSAsExpression(cast) => return self.given(given_to, &cast.expression),
            Expression::TSSatisfiesExpression(cast) => return self.given(given_to, &cast.expression),
            Expression::TSTypeAssertion(cast) => return self.given(given_to, &cast.expression),
            Expression::TSNonNullExpression(cast) => return self.given(given_to, &cast.expression),
            Expression::TSInstantiationExpression(all) => return self.given(given_to, &all.expression),
            Expression::ImportMeta(_) | Expression::NewTarget(_) => ExprKind::Other(Vec::new()),
            Expression::JSXElement(element) => self.element_of_markup(element),
            Expression::JSXFragment(fragment) => self.fragment(fragment),
            Expression::V8IntrinsicExpression(all) => {
                ExprKind::Other(self.args(&all.arguments).into_iter().map(|arg| arg.value).collect())
            }
        };
        self.made(kind, span)
    }

    fn boxed(&mut self, expr: &Expression<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    /// A template; one without values is a text.
    fn template(&mut self, template: &TemplateLiteral<'_>) -> ExprKind {
        match (template.quasis.first(), template.expressions.is_empty()) {
            (Some(only), true) => ExprKind::Text(self.name(only.value.cooked.as_ref().unwrap_or(&only.value.raw))),
            (Some(_) | None, _) => ExprKind::Template(self.parts(template)),
        }
    }

    fn parts(&mut self, template: &TemplateLiteral<'_>) -> Vec<Expr> {
        let mut parts = Vec::new();
        let mut values = template.expressions.iter();
        for text in &template.quasis {
            let cooked = text.value.cooked.as_ref().unwrap_or(&text.value.raw);
            if !cooked.is_empty() {
                let kind = ExprKind::Text(self.name(cooked));
                parts.push(self.made(kind, text.span));
            }
            parts.extend(values.next().map(|value| self.expr(value)));
        }
        parts
    }

    fn array(&mut self, array: &ArrayExpression<'_>) -> ExprKind {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            let (value, spread) = match element {
                ArrayExpressionElement::SpreadElement(spread) => (self.expr(&spread.argument), true),
                ArrayExpressionElement::Elision(hole) => (self.made(ExprKind::Undefined, hole.span), false),
                other => match other.as_expression() {
                    Some(value) => (self.expr(value), false),
                    None => continue,
                },
            };
            items.push(Arg { value, spread });
        }
        ExprKind::Array(items)
    }

    fn args(&mut self, arguments: &[Argument<'_>]) -> Vec<Arg> {
        let mut args = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (value, spread) = match argument {
                Argument::SpreadElement(spread) => (&spread.argument, true),
                other => match other.as_expression() {
                    Some(value) => (value, false),
                    None => continue,
                },
            };
            args.push(Arg { value: self.expr(value), spread });
        }
        args
    }

    fn object(&mut self, object: &ObjectExpression<'_>) -> ExprKind {
        let mut props = Vec::with_capacity(object.properties.len());
        for prop in &object.properties {
            props.push(match prop {
                ObjectPropertyKind::SpreadProperty(spread) => Prop::Spread(self.expr(&spread.argument)),
                ObjectPropertyKind::ObjectProperty(prop) => {
                    let key = self.key(&prop.key);
                    let value = self.given(name_of(&key), &prop.value);
                    Prop::Value(key, value)
                }
            });
        }
        ExprKind::Object(props)
    }

    fn call(&mut self, call: &CallExpression<'_>) -> Expr {
        let callee = self.boxed(&call.callee);
        if matches!(&callee.kind, ExprKind::Name(name) if &**name == "require") {
            self.unit.is_module = true;
        }
        let args = self.args(&call.arguments);
        self.made(ExprKind::Call(callee, args), call.span)
    }

    fn any_member(&mut self, member: &MemberExpression<'_>) -> Expr {
        match member {
            MemberExpression::StaticMemberExpression(member) => self.member(member),
            MemberExpression::ComputedMemberExpression(member) => self.index(member),
            MemberExpression::PrivateFieldExpression(member) => self.private_member(member),
        }
    }

    pub(super) fn member(&mut self, member: &StaticMemberExpression<'_>) -> Expr {
        let object = self.maybe(&member.object, member.optional);
        let name = self.name(&member.property.name);
        self.note_exports(&object, Some(&name));
        self.made(ExprKind::Member(object, name), member.span)
    }

    /// An object that may be missing, if `?.` stands behind it.
    fn maybe(&mut self, object: &Expression<'_>, optional: bool) -> Box<Expr> {
        let span = object.span();
        let object = self.boxed(object);
        if optional { Box::new(self.made(ExprKind::Maybe(object), span)) } else { object }
    }

    pub(super) fn index(&mut self, member: &ComputedMemberExpression<'_>) -> Expr {
        let object = self.maybe(&member.object, member.optional);
        let index = self.boxed(&member.expression);
        self.note_exports(&object, None);
        // `a['b']` means `a.b`.
        let kind = match index.kind {
            ExprKind::Text(name) => ExprKind::Member(object, name),
            _ => ExprKind::Index(object, index),
        };
        self.made(kind, member.span)
    }

    pub(super) fn private_member(&mut self, member: &PrivateFieldExpression<'_>) -> Expr {
        let object = self.boxed(&member.object);
        let name = self.private(&member.field.name);
        self.made(ExprKind::Member(object, name), member.span)
    }

    pub(super) fn private(&mut self, name: &str) -> Name {
        self.name(&format!("#{name}"))
    }

    /// `module.exports` and `exports.x` make a file a module.
    fn note_exports(&mut self, object: &Expr, name: Option<&Name>) {
        if let ExprKind::Name(of) = &object.kind {
            let whole = &**of == "module" && name.is_some_and(|name| &**name == "exports");
            self.unit.is_module |= whole || &**of == "exports";
        }
    }

    fn assignment(&mut self, assign: &AssignmentExpression<'_>) -> ExprKind {
        let operator = match assign.operator {
            AssignmentOperator::Assign => {
                let target = Box::new(self.target(&assign.left));
                let value = self.given(assigned_name(&target), &assign.right);
                return ExprKind::Assign(target, Box::new(value));
            }
            AssignmentOperator::Addition => Binary::Add,
            AssignmentOperator::LogicalOr | AssignmentOperator::LogicalAnd | AssignmentOperator::LogicalNullish => {
                Binary::Either
            }
            AssignmentOperator::Subtraction
            | AssignmentOperator::Multiplication
            | AssignmentOperator::Division
            | AssignmentOperator::Remainder
            | AssignmentOperator::Exponential
            | AssignmentOperator::ShiftLeft
            | AssignmentOperator::ShiftRight
            | AssignmentOperator::ShiftRightZeroFill
            | AssignmentOperator::BitwiseOR
            | AssignmentOperator::BitwiseXOR
            | AssignmentOperator::BitwiseAnd => Binary::Arithmetic,
        };
        let target = self.updated(&assign.left);
        let name = match &target.kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => Some(name.clone()),
            _ => None,
        };
        let value = self.given(name, &assign.right);
        ExprKind::Update(Box::new(target), operator, Box::new(value))
    }

    fn updated(&mut self, target: &AssignmentTarget<'_>) -> Expr {
        match target.as_simple_assignment_target() {
            Some(target) => self.simple_target(target),
            None => self.made(ExprKind::Other(Vec::new()), target.span()),
        }
    }

    fn unary(&mut self, unary: &UnaryExpression<'_>) -> ExprKind {
        let value = self.boxed(&unary.argument);
        match unary.operator {
            UnaryOperator::LogicalNot => ExprKind::Not(value),
            UnaryOperator::Typeof => ExprKind::Typeof(value),
            UnaryOperator::Delete => ExprKind::Delete(value),
            UnaryOperator::UnaryPlus | UnaryOperator::UnaryNegation | UnaryOperator::BitwiseNot => {
                ExprKind::Numeric(value)
            }
            UnaryOperator::Void => match value.kind {
                ExprKind::Number(_) => ExprKind::Undefined,
                // What is called is called: `void save()`.
                _ => ExprKind::Sequence(vec![*value, self.made(ExprKind::Undefined, unary.span)]),
            },
        }
    }
}

/// The name of the variable or property that is assigned to.
fn assigned_name(target: &Pattern) -> Option<Name> {
    match target {
        Pattern::Name(name, _) => Some(name.clone()),
        Pattern::Member(member) => match &member.kind {
            ExprKind::Member(_, name) => Some(name.clone()),
            _ => None,
        },
        Pattern::Object { .. } | Pattern::Array { .. } | Pattern::Default(..) | Pattern::Nothing => None,
    }
}

/// The operator between two values; `None` is `+`, which makes sums.
fn binary(operator: BinaryOperator) -> Option<Binary> {
    Some(match operator {
        BinaryOperator::Addition => return None,
        BinaryOperator::Equality | BinaryOperator::StrictEquality => Binary::Equal,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => Binary::Unequal,
        BinaryOperator::LessThan | BinaryOperator::LessEqualThan => Binary::Less,
        BinaryOperator::GreaterThan | BinaryOperator::GreaterEqualThan => Binary::Greater,
        BinaryOperator::In => Binary::In,
        BinaryOperator::Instanceof => Binary::InstanceOf,
        BinaryOperator::Subtraction
        | BinaryOperator::Multiplication
        | BinaryOperator::Division
        | BinaryOperator::Remainder
        | BinaryOperator::Exponential
        | BinaryOperator::ShiftLeft
        | BinaryOperator::ShiftRight
        | BinaryOperator::ShiftRightZeroFill
        | BinaryOperator::BitwiseOR
        | BinaryOperator::BitwiseXOR
        | BinaryOperator::BitwiseAnd => Binary::Arithmetic,
    })
}

/// From the begin of one tree to the end of another.
fn across(first: TreeSpan, last: TreeSpan) -> TreeSpan {
    TreeSpan::new(first.start, last.end)
}
