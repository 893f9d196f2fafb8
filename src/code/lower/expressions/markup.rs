//! JSX: nothing but the values in it.

use crate::code::lower::Lowering;
use crate::code::parser::ast::{JSXAttributeItem, JSXAttributeValue, JSXChild, JSXElement, JSXExpression, JSXFragment};
use crate::model::unit::{Expr, ExprKind};

impl Lowering<'_> {
    pub(super) fn element_of_markup(&mut self, element: &JSXElement<'_>) -> ExprKind {
        let mut values = Vec::new();
        for attribute in &element.opening_element.attributes {
            match attribute {
                JSXAttributeItem::Attribute(attribute) => {
                    values.extend(attribute.value.as_ref().and_then(|value| self.attribute(value)));
                }
                JSXAttributeItem::SpreadAttribute(spread) => values.push(self.expr(&spread.argument)),
            }
        }
        self.children(&element.children, &mut values);
        ExprKind::Other(values)
    }

    pub(super) fn fragment(&mut self, fragment: &JSXFragment<'_>) -> ExprKind {
        let mut values = Vec::new();
        self.children(&fragment.children, &mut values);
        ExprKind::Other(values)
    }

    fn attribute(&mut self, value: &JSXAttributeValue<'_>) -> Option<Expr> {
        match value {
            JSXAttributeValue::StringLiteral(text) => {
                let kind = ExprKind::Text(self.name(&text.value));
                Some(self.made(kind, text.span))
            }
            JSXAttributeValue::ExpressionContainer(held) => self.held(&held.expression),
            JSXAttributeValue::Element(element) => {
                let kind = self.element_of_markup(element);
                Some(self.made(kind, element.span))
            }
            JSXAttributeValue::Fragment(fragment) => {
                let kind = self.fragment(fragment);
                Some(self.made(kind, fragment.span))
            }
        }
    }

    fn held(&mut self, held: &JSXExpression<'_>) -> Option<Expr> {
        held.as_expression().map(|value| self.expr(value))
    }

    fn children(&mut self, children: &[JSXChild<'_>], values: &mut Vec<Expr>) {
        for child in children {
            match child {
                JSXChild::Text(_) => {}
                JSXChild::Element(element) => {
                    let kind = self.element_of_markup(element);
                    values.push(self.made(kind, element.span));
                }
                JSXChild::Fragment(fragment) => {
                    let kind = self.fragment(fragment);
                    values.push(self.made(kind, fragment.span));
                }
                JSXChild::ExpressionContainer(held) => values.extend(self.held(&held.expression)),
                JSXChild::Spread(spread) => values.push(self.expr(&spread.expression)),
            }
        }
    }
}
