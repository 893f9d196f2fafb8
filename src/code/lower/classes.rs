//! Classes.

use super::{Lowering, number};
use crate::code::parser::ast::{Class, ClassElement, Decorator, MethodDefinitionKind};
use crate::model::unit::{ClassBody, ClassId, Field, Method, Name, PropKey, Stmt, StmtKind};

impl Lowering<'_> {
    pub(super) fn class(&mut self, class: &Class<'_>, given_to: Option<Name>) -> ClassId {
        // The number stands before those of classes inside.
        let id = ClassId(number(self.unit.classes.len()));
        self.unit.classes.push(ClassBody::default());
        let own = class.id.as_ref().map(|id| self.name(&id.name));
        let mut made = ClassBody { name: own.or(given_to), span: self.span(class.span), ..ClassBody::default() };
        made.extends = class.heritage.as_ref().map(|heritage| self.expr(&heritage.expression));
        for element in &class.body.body {
            self.element(element, &mut made);
        }
        if let Some(place) = self.unit.classes.get_mut(id.0 as usize) {
            *place = made;
        }
        id
    }

    fn element(&mut self, element: &ClassElement<'_>, class: &mut ClassBody) {
        match element {
            ClassElement::StaticBlock(block) => class.blocks.extend(self.statements(&block.body)),
            ClassElement::MethodDefinition(method) => {
                let is_constructor = method.kind == MethodDefinitionKind::Constructor;
                let key = self.key(&method.key);
                let name = if is_constructor { class.name.clone() } else { name_of(&key) };
                let Some(function) = self.function(&method.value, name) else { return };
                if is_constructor {
                    class.constructor = Some(function);
                } else {
                    let is_getter = method.kind == MethodDefinitionKind::Get;
                    class.methods.push(Method { key, function, is_static: method.r#static, is_getter });
                }
            }
            ClassElement::PropertyDefinition(field) if !field.declare => {
                let key = self.key(&field.key);
                let value = field.value.as_ref().map(|value| self.given(name_of(&key), value));
                class.fields.push(Field { key, value, is_static: field.r#static });
            }
            ClassElement::AccessorProperty(field) => {
                let key = self.key(&field.key);
                let value = field.value.as_ref().map(|value| self.given(name_of(&key), value));
                class.fields.push(Field { key, value, is_static: field.r#static });
            }
            ClassElement::PropertyDefinition(_) | ClassElement::TSIndexSignature(_) => {}
        }
    }

    /// The decorators of a class and of what is in it, as statements before the class.
    pub(super) fn decorators(&mut self, class: &Class<'_>, done: &mut Vec<Stmt>) {
        self.decorate(&class.decorators, done);
        for element in &class.body.body {
            match element {
                ClassElement::MethodDefinition(method) => {
                    self.decorate(&method.decorators, done);
                    for param in &method.value.params.items {
                        self.decorate(&param.decorators, done);
                    }
                }
                ClassElement::PropertyDefinition(field) => self.decorate(&field.decorators, done),
                ClassElement::AccessorProperty(field) => self.decorate(&field.decorators, done),
                ClassElement::StaticBlock(_) | ClassElement::TSIndexSignature(_) => {}
            }
        }
    }

    fn decorate(&mut self, decorators: &[Decorator<'_>], done: &mut Vec<Stmt>) {
        for decorator in decorators {
            let value = self.expr(&decorator.expression);
            done.push(self.stmt(StmtKind::Expr(value), decorator.span));
        }
    }
}

/// The name that a key gives to a function.
pub(super) fn name_of(key: &PropKey) -> Option<Name> {
    match key {
        PropKey::Name(name) => Some(name.clone()),
        PropKey::Computed(_) => None,
    }
}
