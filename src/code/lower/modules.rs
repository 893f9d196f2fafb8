//! `import` and `export`.

use super::Lowering;
use crate::code::parser::ast::{
    BindingPattern, Declaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration,
    ImportDeclaration, ImportDeclarationSpecifier, ModuleDeclaration, ModuleExportName,
};
use crate::model::unit::{Export, ExprKind, Import, Imported, Name, Pattern, Stmt, StmtKind};

/// The variable that `export default expression` binds.
const DEFAULT: &str = "*default*";

impl Lowering<'_> {
    pub(super) fn module_declaration(&mut self, module: &ModuleDeclaration<'_>, done: &mut Vec<Stmt>) {
        // One that only exports types makes a module as well.
        self.unit.is_module = true;
        match module {
            ModuleDeclaration::ImportDeclaration(import) => self.import(import),
            ModuleDeclaration::ExportAllDeclaration(export) if export.export_kind.is_value() => {
                let from = self.name(&export.source.value);
                let export = match &export.exported {
                    Some(name) => Export::From { name: self.name(&name.name()), what: Imported::Namespace, from },
                    None => Export::All { from },
                };
                self.unit.exports.push(export);
            }
            ModuleDeclaration::ExportDefaultDeclaration(export) => self.export_default(export, done),
            ModuleDeclaration::ExportDeclaration(export) => {
                self.declaration(&export.declaration, done);
                for name in self.declared(&export.declaration) {
                    self.unit.exports.push(Export::Local { name: name.clone(), local: name });
                }
            }
            ModuleDeclaration::ExportNamedDeclaration(export) if export.export_kind.is_value() => {
                for one in export.specifiers.iter().filter(|one| one.export_kind.is_value()) {
                    let (name, local) = (self.name(&one.exported.name()), self.name(&one.local.name()));
                    self.unit.exports.push(Export::Local { name, local });
                }
            }
            ModuleDeclaration::ExportFromDeclaration(export) if export.export_kind.is_value() => {
                self.export_from(export);
            }
            ModuleDeclaration::TSExportAssignment(export) => {
                let statement = self.exported_value(&export.expression, export.span);
                done.push(statement);
            }
            ModuleDeclaration::ExportAllDeclaration(_)
            | ModuleDeclaration::ExportNamedDeclaration(_)
            | ModuleDeclaration::ExportFromDeclaration(_)
            | ModuleDeclaration::TSNamespaceExportDeclaration(_) => {}
        }
    }

    fn import(&mut self, import: &ImportDeclaration<'_>) {
        if !import.import_kind.is_value() {
            return;
        }
        let (from, span) = (self.name(&import.source.value), self.span(import.span));
        let names = import.specifiers.as_ref().map(|names| names.as_slice()).unwrap_or_default();
        if names.is_empty() {
            self.unit.imports.push(Import { local: None, what: Imported::Nothing, from, span });
            return;
        }
        for one in names {
            let (local, what) = match one {
                ImportDeclarationSpecifier::ImportSpecifier(one) if !one.import_kind.is_value() => continue,
                ImportDeclarationSpecifier::ImportSpecifier(one) => (&one.local, self.imported(&one.imported)),
                ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => (&one.local, Imported::Default),
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => (&one.local, Imported::Namespace),
            };
            let local = Some(self.name(&local.name));
            self.unit.imports.push(Import { local, what, from: from.clone(), span });
        }
    }

    fn imported(&mut self, name: &ModuleExportName<'_>) -> Imported {
        let name = name.name();
        if name == "default" { Imported::Default } else { Imported::Named(self.name(&name)) }
    }

    fn export_from(&mut self, export: &ExportFromDeclaration<'_>) {
        let from = self.name(&export.source.value);
        for one in export.specifiers.iter().filter(|one| one.export_kind.is_value()) {
            let (name, what) = (self.name(&one.exported.name()), self.imported(&one.local));
            self.unit.exports.push(Export::From { name, what, from: from.clone() });
        }
    }

    fn export_default(&mut self, export: &ExportDefaultDeclaration<'_>, done: &mut Vec<Stmt>) {
        let given_to = Some(self.name("default"));
        let (kind, own) = match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                let Some(id) = self.function(function, given_to) else { return };
                let own = function.id.as_ref().map(|own| self.name(&own.name));
                (if own.is_some() { StmtKind::Function(id) } else { self.default(ExprKind::Function(id), export) }, own)
            }
            ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                self.decorators(class, done);
                let id = self.class(class, given_to);
                let own = class.id.as_ref().map(|own| self.name(&own.name));
                (if own.is_some() { StmtKind::Class(id) } else { self.default(ExprKind::Class(id), export) }, own)
            }
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
            other => {
                let Some(value) = other.as_expression() else { return };
                let value = self.given(given_to, value);
                let pattern = Pattern::Name(self.name(DEFAULT), value.span);
                (StmtKind::Let(pattern, Some(value)), None)
            }
        };
        let local = own.unwrap_or_else(|| self.name(DEFAULT));
        done.push(self.stmt(kind, export.span));
        let name = self.name("default");
        self.unit.exports.push(Export::Local { name, local });
    }

    fn default(&mut self, value: ExprKind, export: &ExportDefaultDeclaration<'_>) -> StmtKind {
        let value = self.made(value, export.span);
        StmtKind::Let(Pattern::Name(self.name(DEFAULT), value.span), Some(value))
    }

    /// The variables of a declaration.
    pub(super) fn declared(&mut self, declaration: &Declaration<'_>) -> Vec<Name> {
        let name = match declaration {
            Declaration::VariableDeclaration(all) if !all.declare => {
                let mut names = Vec::new();
                for variable in &all.declarations {
                    self.bound(&variable.id, &mut names);
                }
                return names;
            }
            Declaration::FunctionDeclaration(function) if function.body.is_some() => {
                function.id.as_ref().map(|id| id.name)
            }
            Declaration::ClassDeclaration(class) if !class.declare => class.id.as_ref().map(|id| id.name),
            Declaration::TSEnumDeclaration(all) if !all.declare => Some(all.id.name),
            Declaration::TSNamespaceDeclaration(all) if !all.declare => Some(all.id.name),
            Declaration::TSImportEqualsDeclaration(all) if all.import_kind.is_value() => Some(all.id.name),
            Declaration::VariableDeclaration(_)
            | Declaration::FunctionDeclaration(_)
            | Declaration::ClassDeclaration(_)
            | Declaration::TSEnumDeclaration(_)
            | Declaration::TSNamespaceDeclaration(_)
            | Declaration::TSImportEqualsDeclaration(_)
            | Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => None,
        };
        name.map(|name| self.name(&name)).into_iter().collect()
    }

    fn bound(&mut self, pattern: &BindingPattern<'_>, names: &mut Vec<Name>) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => names.push(self.name(&name.name)),
            BindingPattern::ObjectPattern(object) => {
                object.properties.iter().for_each(|prop| self.bound(&prop.value, names));
                object.rest.iter().for_each(|rest| self.bound(&rest.argument, names));
            }
            BindingPattern::ArrayPattern(array) => {
                array.elements.iter().flatten().for_each(|item| self.bound(item, names));
                array.rest.iter().for_each(|rest| self.bound(&rest.argument, names));
            }
            BindingPattern::AssignmentPattern(both) => self.bound(&both.left, names),
        }
    }
}
