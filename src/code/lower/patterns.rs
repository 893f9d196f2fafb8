//! What values are bound and assigned to.

use super::Lowering;
use super::statements::name_of;
use crate::code::parser::ast::{
    ArrayAssignmentTarget, ArrayPattern, AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty,
    BindingPattern, Expression, ObjectAssignmentTarget, ObjectPattern, PropertyKey, SimpleAssignmentTarget,
};
use crate::model::unit::{Expr, ExprKind, Pattern, PropKey};

impl Lowering<'_> {
    pub(super) fn binding(&mut self, pattern: &BindingPattern<'_>) -> Pattern {
        match pattern {
            BindingPattern::BindingIdentifier(name) => Pattern::Name(self.name(&name.name), self.span(name.span)),
            BindingPattern::ObjectPattern(object) => self.object_binding(object),
            BindingPattern::ArrayPattern(array) => self.array_binding(array),
            BindingPattern::AssignmentPattern(both) => {
                let pattern = self.binding(&both.left);
                self.with_default(pattern, &both.right)
            }
        }
    }

    pub(super) fn with_default(&mut self, pattern: Pattern, default: &Expression<'_>) -> Pattern {
        let default = self.given(name_of(&pattern), default);
        Pattern::Default(Box::new(pattern), Box::new(default))
    }

    fn object_binding(&mut self, object: &ObjectPattern<'_>) -> Pattern {
        let props = object.properties.iter().map(|prop| (self.key(&prop.key), self.binding(&prop.value))).collect();
        let rest = object.rest.as_ref().map(|rest| Box::new(self.binding(&rest.argument)));
        Pattern::Object { props, rest }
    }

    fn array_binding(&mut self, array: &ArrayPattern<'_>) -> Pattern {
        let items = array.elements.iter().map(|item| item.as_ref().map(|item| self.binding(item))).collect();
        let rest = array.rest.as_ref().map(|rest| Box::new(self.binding(&rest.argument)));
        Pattern::Array { items, rest }
    }

    pub(super) fn target(&mut self, target: &AssignmentTarget<'_>) -> Pattern {
        match target {
            AssignmentTarget::ArrayAssignmentTarget(array) => self.array_target(array),
            AssignmentTarget::ObjectAssignmentTarget(object) => self.object_target(object),
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                Pattern::Name(self.name(&name.name), self.span(name.span))
            }
            other => other.as_simple_assignment_target().map_or(Pattern::Nothing, |simple| {
                let value = self.simple_target(simple);
                match value.kind {
                    ExprKind::Name(name) => Pattern::Name(name, value.span),
                    ExprKind::Member(..) | ExprKind::Index(..) => Pattern::Member(Box::new(value)),
                    _ => Pattern::Nothing,
                }
            }),
        }
    }

    /// A target as the value that it has before.
    pub(super) fn simple_target(&mut self, target: &SimpleAssignmentTarget<'_>) -> Expr {
        match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => {
                let kind = ExprKind::Name(self.name(&name.name));
                self.made(kind, name.span)
            }
            SimpleAssignmentTarget::TSAsExpression(cast) => self.expr(&cast.expression),
            SimpleAssignmentTarget::TSSatisfiesExpression(cast) => self.expr(&cast.expression),
            SimpleAssignmentTarget::TSNonNullExpression(cast) => self.expr(&cast.expression),
            SimpleAssignmentTarget::TSTypeAssertion(cast) => self.expr(&cast.expression),
            SimpleAssignmentTarget::ComputedMemberExpression(member) => self.index(member),
            SimpleAssignmentTarget::StaticMemberExpression(member) => self.member(member),
            SimpleAssignmentTarget::PrivateFieldExpression(member) => self.private_member(member),
        }
    }

    fn array_target(&mut self, array: &ArrayAssignmentTarget<'_>) -> Pattern {
        let items =
            array.elements.iter().map(|item| item.as_ref().map(|item| self.target_with_default(item))).collect();
        let rest = array.rest.as_ref().map(|rest| Box::new(self.target(&rest.target)));
        Pattern::Array { items, rest }
    }

    fn object_target(&mut self, object: &ObjectAssignmentTarget<'_>) -> Pattern {
        let props = object.properties.iter().map(|prop| match prop {
            AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(prop) => {
                let name = self.name(&prop.binding.name);
                let pattern = Pattern::Name(name.clone(), self.span(prop.binding.span));
                let pattern = match &prop.init {
                    Some(default) => self.with_default(pattern, default),
                    None => pattern,
                };
                (PropKey::Name(name), pattern)
            }
            AssignmentTargetProperty::AssignmentTargetPropertyProperty(prop) => {
                (self.key(&prop.name), self.target_with_default(&prop.binding))
            }
        });
        let props = props.collect();
        let rest = object.rest.as_ref().map(|rest| Box::new(self.target(&rest.target)));
        Pattern::Object { props, rest }
    }

    fn target_with_default(&mut self, target: &AssignmentTargetMaybeDefault<'_>) -> Pattern {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(both) => {
                let pattern = self.target(&both.binding);
                self.with_default(pattern, &both.init)
            }
            other => other.as_assignment_target().map_or(Pattern::Nothing, |target| self.target(target)),
        }
    }

    /// A key of an object, pattern or class. Private names keep their `#`.
    pub(super) fn key(&mut self, key: &PropertyKey<'_>) -> PropKey {
        match key {
            PropertyKey::StaticIdentifier(name) => PropKey::Name(self.name(&name.name)),
            PropertyKey::PrivateIdentifier(name) => PropKey::Name(self.private(&name.name)),
            PropertyKey::StringLiteral(text) => PropKey::Name(self.name(&text.value)),
            PropertyKey::NumericLiteral(number) => PropKey::Name(self.name(&number.value.to_string())),
            other => match other.as_expression() {
                Some(key) => PropKey::Computed(Box::new(self.expr(key))),
                None => PropKey::Name(self.name("")),
            },
        }
    }
}
